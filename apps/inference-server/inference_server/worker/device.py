"""Which device a worker sees, as its framework's runtime is told: by the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inference_server.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inference_server.frameworks.framework import FrameworkName

#: Of an Inferentia2 or Trainium1 chip, which is what Kubernetes hands out as a device. Source:
#: AWS Neuron documentation, "Inferentia2 Architecture" and "Trainium Architecture".
NEURON_CORES = 2

#: Source: CUDA C++ Programming Guide, "CUDA Environment Variables".
CUDA_VARIABLE = "CUDA_VISIBLE_DEVICES"

#: Source: AWS Neuron documentation, "Neuron Runtime Configuration".
NEURON_VARIABLE = "NEURON_RT_VISIBLE_CORES"


def device_environment(
    framework: FrameworkName, device: int, devices: int, environment: Mapping[str, str]
) -> dict[str, str]:
    """What to add to `environment` for the worker of device `device` (from 0) of `devices`.

    Nothing when there is one: its container sees no other, or somebody has said which. Of several,
    it is a part of those that `environment` names, or of all in their order.

    Raises UserError when `environment` names fewer than are wanted, or none that can be understood.
    """
    if framework == "cpu" or devices == 1:
        return {}
    if framework == "neuron":
        variable, each, wanted = NEURON_VARIABLE, NEURON_CORES, "cores"
        named = _cores(environment.get(variable), variable)
    else:
        variable, each, wanted = CUDA_VARIABLE, 1, "devices"
        named = [name for name in environment.get(variable, "").split(",") if name.strip()] or None
    if named is None:
        named = [str(number) for number in range(devices * each)]
    if len(named) < devices * each:
        raise UserError(
            f"{variable}={environment[variable]!r} names {len(named)} {wanted}, and DEVICES is "
            f"{devices}: {devices * each} are wanted, or leave it unset"
        )
    own = named[device * each : (device + 1) * each]
    if framework == "neuron" and int(own[-1]) - int(own[0]) == len(own) - 1:
        # What every version of the runtime understands.
        return {variable: f"{own[0]}-{own[-1]}"}
    return {variable: ",".join(own)}


def _cores(text: str | None, variable: str) -> list[str] | None:
    """Of "0-3,6", each number."""
    if not text:
        return None
    cores: list[str] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            cores += [str(number) for number in range(int(first), int(last if dash else first) + 1)]
        except ValueError:
            raise UserError(
                f"{variable}={text!r}: numbers and ranges are wanted, e.g. 0-3 or 0,1"
            ) from None
    return cores
