"""Stable Diffusion and SDXL with a few thousand random weights: 64x64 images in a blink.

Of the shapes with which diffusers tests its own pipelines. The tokenizer knows letters only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    EulerAncestralDiscreteScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from diffusers.utils import convert_state_dict_to_diffusers
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

from inference_server.job import ImageJob, Picture, Shape, Size

if TYPE_CHECKING:
    from pathlib import Path

SIZE = Size(64, 64)
STEPS = 2


@dataclass(frozen=True)
class Options:
    """`LoadOptions` of a test."""

    cache_folder: Path
    sizes: tuple[Size, ...] = ()
    max_batch: int | None = None
    safety_checker: bool = False
    lora_folder: Path | None = None
    model_id: str | None = None
    verify_files: bool = False


def tokenizer(folder: Path) -> CLIPTokenizer:
    """Makes the files of one in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = [chr(code) for code in range(33, 127)]
    words = [*letters, *(f"{letter}</w>" for letter in letters)]
    words += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: at for at, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(  # type: ignore[no-untyped-call]
        str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77
    )


def _text_config(words: CLIPTokenizer, act: str) -> CLIPTextConfig:
    return CLIPTextConfig(  # type: ignore[no-untyped-call]
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
        hidden_size=32,
        intermediate_size=64,
        layer_norm_eps=1e-05,
        num_attention_heads=4,
        num_hidden_layers=2,
        vocab_size=len(words),
        hidden_act=act,
        projection_dim=32,
    )


def _unet(**more: Any) -> UNet2DConditionModel:
    unet = UNet2DConditionModel(
        block_out_channels=(4, 8),
        layers_per_block=1,
        sample_size=32,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        norm_num_groups=2,
        **more,
    )
    # Fresh weights hardly listen to the prompt: their attention to it is made strong.
    for name, parameter in unet.named_parameters():
        if "attn2.to_v" in name or "attn2.to_out" in name or "add_embedding" in name:
            parameter.data *= 8
    return unet


def _vae() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(4, 8),
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
        up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"),
        latent_channels=4,
        norm_num_groups=2,
        sample_size=64,
    )


def _scheduler(ancestral: bool) -> Any:
    settings = {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "steps_offset": 1,
    }
    if ancestral:
        return EulerAncestralDiscreteScheduler(**settings)
    return DDIMScheduler(**settings, clip_sample=False, set_alpha_to_one=False)


def _safety_checker() -> StableDiffusionSafetyChecker:
    config = CLIPConfig(  # type: ignore[no-untyped-call]
        text_config={"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4},
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 1,
            "num_attention_heads": 4,
            "image_size": 32,
            "patch_size": 8,
        },
        projection_dim=32,
    )
    checker = StableDiffusionSafetyChecker(config)
    # Everything is like everything else by more than -1: every image is flagged.
    checker.concept_embeds_weights.data.fill_(-1.0)
    return checker


def save_tiny_sd(
    folder: Path, *, safety_checker: bool = False, ancestral: bool = False, safe: bool = True
) -> Path:
    """The folder, with a Stable Diffusion. `safe`: safetensors, as the server wants it."""
    torch.manual_seed(0)
    words = tokenizer(folder / "tokenizer")
    StableDiffusionPipeline(
        unet=_unet(cross_attention_dim=32),
        vae=_vae(),
        text_encoder=CLIPTextModel(_text_config(words, "quick_gelu")),
        tokenizer=words,
        scheduler=_scheduler(ancestral),
        safety_checker=_safety_checker() if safety_checker else None,
        feature_extractor=CLIPImageProcessor(
            crop_size={"height": 32, "width": 32}, size={"shortest_edge": 32}
        )
        if safety_checker
        else None,
        requires_safety_checker=safety_checker,
    ).save_pretrained(folder, safe_serialization=safe)
    return folder


def save_tiny_sdxl(folder: Path, *, variant: str | None = None) -> Path:
    """The folder, with an SDXL."""
    torch.manual_seed(0)
    words = tokenizer(folder / "tokenizer")
    config = _text_config(words, "gelu")
    StableDiffusionXLPipeline(
        unet=_unet(
            attention_head_dim=(2, 4),
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            transformer_layers_per_block=(1, 2),
            # 6 numbers of 8 each, and the pooled text.
            projection_class_embeddings_input_dim=80,
            cross_attention_dim=64,
        ),
        vae=_vae(),
        text_encoder=CLIPTextModel(config),
        text_encoder_2=CLIPTextModelWithProjection(config),
        tokenizer=words,
        tokenizer_2=words,
        scheduler=_scheduler(ancestral=False),
    ).save_pretrained(folder, safe_serialization=True, variant=variant)
    return folder


def save_tiny_lora(model: Path, folder: Path, name: str) -> None:
    """`NAME.safetensors` in the folder, strong enough to be seen, for the model's UNet."""
    torch.manual_seed(sum(name.encode()))
    unet = UNet2DConditionModel.from_pretrained(model / "unet")
    unet.add_adapter(
        LoraConfig(r=4, lora_alpha=4, target_modules=["to_q", "to_k", "to_v", "to_out.0"])
    )
    for key, parameter in unet.named_parameters():
        if "lora_" in key:
            parameter.data.normal_(std=0.5)
    layers = convert_state_dict_to_diffusers(get_peft_model_state_dict(unet))
    pipeline: Any = (
        StableDiffusionXLPipeline
        if (model / "text_encoder_2").is_dir()
        else StableDiffusionPipeline
    )
    pipeline.save_lora_weights(
        str(folder), unet_lora_layers=layers, weight_name=f"{name}.safetensors"
    )


def picture(size: Size = SIZE, *, seed: int = 0) -> Picture:
    """Noise of few bright blocks."""
    generator = torch.Generator().manual_seed(seed)
    blocks = torch.randint(0, 256, (8, 8, 3), generator=generator, dtype=torch.uint8)
    pixels = blocks.repeat_interleave(size.height // 8, 0).repeat_interleave(size.width // 8, 1)
    return Picture(size.width, size.height, pixels.numpy().tobytes())


def job(
    prompt: str = "a cat",
    *,
    seed: int = 7,
    negative_prompt: str = "",
    guidance: float = 7.5,
    lora: str | None = None,
    strength: float | None = None,
    size: Size = SIZE,
    steps: int = STEPS,
    source: Picture | None = None,
) -> ImageJob:
    """One image; of image-to-image with a picture if `strength` is given."""
    if strength is not None and source is None:
        source = picture(size)
    return ImageJob(
        Shape(size, steps, guidance, lora, strength), prompt, negative_prompt, seed, source
    )


def difference(one: Picture, other: Picture) -> int:
    """The largest of any channel of any pixel, 0 to 255."""
    assert (one.width, one.height) == (other.width, other.height)
    pairs = zip(one.rgb, other.rgb, strict=True)
    return max(abs(left - right) for left, right in pairs)
