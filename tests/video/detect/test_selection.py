"""The choice depends on the request and on the installed models; a missing model is always reported."""

from pathlib import Path

import onnxruntime
import pytest
from tests.tiers import not_possible

from passerby.errors import InputError, ModelError
from passerby.video.detect.selection import choose


@pytest.mark.parametrize("device", ["cuda", "openvino"])
@pytest.mark.parametrize("names", ["auto", "motion", "yolox_nano"])
def test_a_device_that_is_not_here_is_refused_and_not_passed_over(
    tmp_path: Path, names: str, device: str
) -> None:
    provider = {"cuda": "CUDAExecutionProvider", "openvino": "OpenVINOExecutionProvider"}[device]
    if provider in onnxruntime.get_available_providers():
        pytest.skip(not_possible(f"this ONNX Runtime has {provider}"))
    with pytest.raises(ModelError, match=f"device {device}: this ONNX Runtime has no {provider}; install"):
        choose(names, tmp_path, device)


def test_a_device_that_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="device abacus: expected one of cpu, cuda, openvino"):
        choose("auto", tmp_path, "abacus")


@pytest.mark.parametrize("names", ["", "motion+", "+"])
def test_an_empty_name_is_refused(tmp_path: Path, names: str) -> None:
    with pytest.raises(InputError, match="expected auto, best, motion, or names of models"):
        choose(names, tmp_path)


def test_auto_without_models_counts_by_motion_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = choose("auto", tmp_path)
    assert (found.name, found.loaded, found.motion) == ("motion", (), True)
    assert "passerby models pull" in found.warnings[0]
