"""LoRA adapters by name, added to a model's own weights for as long as images ask for them.

An adapter is a low-rank matrix that is added to some weights. Adding it once, when the next batch
asks for another adapter than the last, costs nothing per step, and the compiled kernels (which know
nothing of adapters) stay as they are. Taking it away puts the kept weights back, so nothing of it
is left, not even a rounding error.

The weights are kept in the host's memory: on the device they would be up to a second UNet, of which
the measured batch size knows nothing. A change of adapter copies them between the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from peft.tuners.lora import LoraLayer

from inference_server.errors import UserError
from inference_server.loading.safetensors_file import check_safetensors

if TYPE_CHECKING:
    from pathlib import Path

#: Parts of Stable Diffusion and SDXL that adapters change.
PARTS = ("unet", "text_encoder", "text_encoder_2")


class LoraWeights:
    """The adapters of one pipeline."""

    def __init__(self) -> None:
        #: By adapter: peft's layer, which knows what to add, and the weight to which.
        self._layers: dict[str, list[tuple[Any, torch.nn.Parameter]]] = {}
        self._keys: dict[str, str] = {}
        self._kept: list[tuple[torch.nn.Parameter, torch.Tensor]] = []
        self._active: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._layers))

    def load(self, pipe: Any, folder: Path) -> None:  # noqa: ANN401
        """Reads `NAME.safetensors` of a folder, on the device where the pipeline is.

        Raises UserError that names an adapter that is damaged or was not made for this model.
        """
        files = sorted(folder.glob("*.safetensors"))
        for number, file in enumerate(files):
            check_safetensors(file)
            # peft takes no dots in names, file names have them.
            key = f"lora_{number}"
            try:
                pipe.load_lora_weights(
                    str(folder), weight_name=file.name, adapter_name=key, use_safetensors=True
                )
            except (ValueError, KeyError, RuntimeError) as error:
                raise UserError(f"{file}: is no LoRA adapter for this model: {error}") from error
            self._keys[file.stem] = key
        found = [
            (part, path, layer)
            for part in PARTS
            if getattr(pipe, part, None) is not None
            for path, layer in getattr(pipe, part).named_modules()
            if isinstance(layer, LoraLayer)
        ]
        pipe.unload_lora_weights()
        for name, key in self._keys.items():
            touched = [each for each in found if key in each[2].lora_A]
            file = folder / f"{name}.safetensors"
            if not touched:
                raise UserError(f"{file}: changes nothing in this model: it was made for another")
            if any(key in layer.lora_variant for _, _, layer in touched):
                raise UserError(f"{file}: is a DoRA adapter; only plain LoRA ones can be served")
            self._layers[name] = [
                # Found again by its path: unloading may have put a new module there.
                (layer, getattr(pipe, part).get_submodule(path).weight)
                for part, path, layer in touched
            ]

    def to(self, device: str) -> None:
        """Moves what is added to the device where the weights are."""
        for layers in self._layers.values():
            for layer, _ in layers:
                layer.to(device)

    @torch.no_grad()
    def use(self, name: str | None) -> None:
        """Makes the weights those of the model and this adapter; None: of the model alone."""
        if name == self._active:
            return
        for weight, kept in self._kept:
            weight.copy_(kept)
        self._kept = []
        self._active = None
        if name is None:
            return
        for layer, weight in self._layers[name]:
            self._kept.append((weight, weight.to("cpu", copy=True)))
            # In place: compiled kernels hold the address.
            weight.add_(layer.get_delta_weight(self._keys[name]).to(weight))
        self._active = name
