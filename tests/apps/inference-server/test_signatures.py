"""The calls of the cuda and neuron modules fit the real libraries, which no device is needed for.

diffusers is imported; optimum-neuron, whose import wants Neuron's SDK, is read as source.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from diffusers import (
    DiffusionPipeline,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLPipeline,
)

from inference_server.frameworks import cuda, neuron, triton

PROMPTS = ["prompt", "negative_prompt"]
EMBEDS = [
    "prompt_embeds",
    "negative_prompt_embeds",
    "pooled_prompt_embeds",
    "negative_pooled_prompt_embeds",
]
CALL = ["num_inference_steps", "guidance_scale", "generator", "output_type"]


@pytest.mark.parametrize(
    ("pipeline", "names"),
    [
        (StableDiffusionPipeline, [*PROMPTS, *CALL, "height", "width"]),
        (StableDiffusionXLPipeline, [*EMBEDS, *CALL, "height", "width"]),
        (StableDiffusionImg2ImgPipeline, [*PROMPTS, *CALL, "image", "strength"]),
        (StableDiffusionXLImg2ImgPipeline, [*EMBEDS, *CALL, "image", "strength"]),
    ],
)
def test_pipelines_know_each_argument_by_name(pipeline: type, names: list[str]) -> None:
    # By name, since some take any other and ignore it.
    assert set(names) <= set(inspect.signature(pipeline.__call__).parameters)


def test_sdxl_encodes_prompts_as_it_is_asked() -> None:
    signature = inspect.signature(StableDiffusionXLPipeline.encode_prompt)
    signature.bind(None, prompt=[], negative_prompt=[], do_classifier_free_guidance=True)


def test_adapters_are_loaded_as_asked() -> None:
    for pipeline in (StableDiffusionPipeline, StableDiffusionXLPipeline):
        state_dict = inspect.getdoc(pipeline.lora_state_dict) or ""
        for name in ("weight_name", "use_safetensors"):
            assert name in state_dict + inspect.getsource(pipeline.lora_state_dict)
        inspect.signature(pipeline.load_lora_weights).bind(None, "folder", adapter_name="a")
    assert callable(DiffusionPipeline.to)


def test_the_compiler_takes_what_triton_asks_for() -> None:
    signature = inspect.signature(torch.compile)
    signature.bind(None, backend="inductor", fullgraph=True, dynamic=False, mode=triton.MODE)
    assert triton.MODE in torch._inductor.list_mode_options()
    stances = inspect.getdoc(torch.compiler.set_stance) or ""
    assert "eager_on_recompile" in stances
    assert hasattr(torch._dynamo.config, "recompile_limit")


def test_cuda_is_asked_for_what_it_has() -> None:
    source = ast.parse(inspect.getsource(cuda))
    asked = {
        node.attr
        for node in ast.walk(source)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "cuda"
    }
    assert {"mem_get_info", "utilization"} <= asked
    assert all(hasattr(torch.cuda, name) for name in asked)


def optimum_source(module: str) -> ast.Module:
    """Of a module of optimum-neuron. Skips where it is not installed."""
    # find_spec of a submodule would import the package.
    found = importlib.util.find_spec("optimum")
    path = module.removeprefix("optimum.").replace(".", "/")
    for place in (found.submodule_search_locations or []) if found else []:
        for file in (Path(place) / f"{path}.py", Path(place) / path / "__init__.py"):
            if file.is_file():
                return ast.parse(file.read_text())
    pytest.skip("optimum-neuron is not installed")


def parameters(tree: ast.Module, function: str, of_class: str | None = None) -> set[str]:
    scope: ast.AST = tree
    if of_class is not None:
        (scope,) = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef) and node.name == of_class
        ]
    found = next(
        node
        for node in ast.walk(scope)
        if isinstance(node, ast.FunctionDef) and node.name == function
    )
    return {each.arg for each in (*found.args.args, *found.args.kwonlyargs)}


def keywords(function: object, name: str) -> set[str]:
    """Of the first call of `name` in a function of ours."""
    tree = ast.parse(inspect.getsource(function))  # type: ignore[arg-type]
    call = next(
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id == name)
            or (isinstance(node.func, ast.Attribute) and node.func.attr == name)
        )
    )
    return {each.arg for each in call.keywords if each.arg}


def test_neuron_pipelines_are_made_with_arguments_that_they_know() -> None:
    tree = optimum_source("optimum.neuron.modeling_diffusion")
    known = parameters(tree, "__init__", "NeuronDiffusionPipelineBase")
    assert keywords(neuron.image_to_image, "kind") <= known
    assert keywords(neuron._read, "from_pretrained") <= parameters(
        optimum_source("optimum.modeling_base"), "from_pretrained"
    )


def test_what_neuron_imports_is_there() -> None:
    tree = ast.parse(inspect.getsource(neuron))
    imports = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("optimum.")
    ]
    assert imports
    for node in imports:
        source = ast.unparse(optimum_source(str(node.module)))
        for name in node.names:
            assert name.name in source


def test_artefacts_say_what_is_read_of_them() -> None:
    written = ast.unparse(optimum_source("optimum.neuron.utils.argument_utils"))
    for key in ("compiler_version", "f'static_{axis}'", "update_func('neuron'"):
        assert key in written
    exported = ast.unparse(optimum_source("optimum.neuron.modeling_diffusion"))
    assert "'instance_type': instance_type" in exported
    assert "neuron['static_height'] * self.vae_scale_factor" in exported


def test_every_neuron_pipeline_has_a_second_tokenizer_or_none() -> None:
    source = ast.unparse(optimum_source("optimum.neuron.modeling_diffusion"))
    assert "self.tokenizer_2 = tokenizer_2" in source
