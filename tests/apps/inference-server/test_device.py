from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from inference_server.errors import UserError
from inference_server.worker.device import device_environment

if TYPE_CHECKING:
    from inference_server.frameworks.framework import FrameworkName


@pytest.mark.parametrize(
    ("framework", "device", "devices", "environment", "added"),
    [
        ("cpu", 1, 2, {}, {}),
        ("cuda", 0, 1, {}, {}),
        ("cuda", 0, 1, {"CUDA_VISIBLE_DEVICES": "3"}, {}),
        ("cuda", 2, 4, {}, {"CUDA_VISIBLE_DEVICES": "2"}),
        (
            "triton",
            1,
            2,
            {"CUDA_VISIBLE_DEVICES": "GPU-a,GPU-b"},
            {"CUDA_VISIBLE_DEVICES": "GPU-b"},
        ),
        ("neuron", 0, 1, {"NEURON_RT_VISIBLE_CORES": "0"}, {}),
        ("neuron", 0, 2, {}, {"NEURON_RT_VISIBLE_CORES": "0-1"}),
        ("neuron", 5, 6, {}, {"NEURON_RT_VISIBLE_CORES": "10-11"}),
        ("neuron", 1, 2, {"NEURON_RT_VISIBLE_CORES": "4-7"}, {"NEURON_RT_VISIBLE_CORES": "6-7"}),
        ("neuron", 1, 2, {"NEURON_RT_VISIBLE_CORES": "0-2, 6"}, {"NEURON_RT_VISIBLE_CORES": "2,6"}),
    ],
)
def test_a_worker_sees_its_own_device_only(
    framework: FrameworkName,
    device: int,
    devices: int,
    environment: dict[str, str],
    added: dict[str, str],
) -> None:
    assert device_environment(framework, device, devices, environment) == added


@pytest.mark.parametrize(
    ("framework", "environment", "says"),
    [
        ("cuda", {"CUDA_VISIBLE_DEVICES": "0,1"}, "names 2 devices, and DEVICES is 3"),
        ("neuron", {"NEURON_RT_VISIBLE_CORES": "0-3"}, "names 4 cores, and DEVICES is 3: 6 are"),
        ("neuron", {"NEURON_RT_VISIBLE_CORES": "all"}, "numbers and ranges are wanted"),
    ],
)
def test_an_environment_that_names_too_few_devices_is_refused(
    framework: FrameworkName, environment: dict[str, str], says: str
) -> None:
    with pytest.raises(UserError, match=says):
        device_environment(framework, 0, 3, environment)
