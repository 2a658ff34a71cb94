"""Open an ONNX file with ONNX Runtime, and read the shapes of its inputs and outputs.

Invariant: shapes alone, not their meaning; the runtime is loaded only when a file is opened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from passerby.errors import ModelError

Shape = tuple[int | None, ...]
"""One number for each axis; None for a free axis."""

CPU = "cpu"
_PROVIDERS = {
    CPU: "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
_PACKAGES = {CPU: "onnxruntime", "cuda": "onnxruntime-gpu", "openvino": "onnxruntime-openvino"}


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """An open file. `inputs` and `outputs` map names to shapes, in the order of the file."""

    path: Path
    inputs: Mapping[str, Shape]
    outputs: Mapping[str, Shape]
    session: Any

    def run(self, image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """The outputs for one input (1, 3, H, W) float32, in the order of the file."""
        return list(self.session.run(None, {next(iter(self.inputs)): image}))

    def run_named(self, given: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The outputs by name, for inputs by name."""
        return dict(zip(self.outputs, self.session.run(None, dict(given)), strict=True))

    def described(self) -> str:
        """Its inputs and outputs as text, for an error."""
        return f"inputs {_words(self.inputs)} and outputs {_words(self.outputs)}"


def _words(shapes: Mapping[str, Shape]) -> str:
    shown = [f"{name} {'x'.join('?' if n is None else str(n) for n in s)}" for name, s in shapes.items()]
    return ", ".join(shown[:4]) + (f" and {len(shown) - 4} more" if len(shown) > 4 else "")


def open_network(path: Path, threads: int, device: str) -> Network:
    """Open `path` for `device` (cpu, cuda, openvino) with so many threads.

    Raises ModelError when the file is not an ONNX model, or the runtime does not support the device.
    """
    check_device(device)
    return _open(path, path, threads, device)


def check_device(device: str) -> None:
    """Raises ModelError for an unknown device, or one that the installed runtime does not support."""
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(f"ONNX Runtime is missing: pip install onnxruntime ({error})") from None
    if device not in _PROVIDERS:
        raise ModelError(f"device {device}: expected one of {', '.join(_PROVIDERS)}")
    if _PROVIDERS[device] not in onnxruntime.get_available_providers():
        raise ModelError(
            f"device {device}: this ONNX Runtime has no {_PROVIDERS[device]}; "
            f"install {_PACKAGES[device]} in place of onnxruntime, or use cpu"
        )


def open_freed(path: Path, threads: int, device: str) -> Network:
    """Open `path` as if the height and width of its input had been left free when it was exported.

    A graph of convolutions has no size of its own: the size that its exporter wrote into the file is dropped. Raises
    ModelError when the graph does not load so. Running it shows whether it works.
    """
    import onnx

    model = onnx.load(path)
    for dimension, name in zip(model.graph.input[0].type.tensor_type.shape.dim[2:], ("H", "W"), strict=False):
        dimension.dim_param = name
    for output in model.graph.output:
        for dimension in output.type.tensor_type.shape.dim[1:-1]:
            dimension.dim_param = "N"
    del model.graph.value_info[:]
    return _open(path, model.SerializeToString(), threads, device)


def _open(path: Path, model: Path | bytes, threads: int, device: str) -> Network:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Crops come in many sizes, and a memory pattern would be planned for each of them.
    options.enable_mem_pattern = False
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model, options, providers=[_PROVIDERS[device]])
    except Exception as error:  # the runtime raises many kinds of exceptions, none of them public
        raise ModelError(f"{path}: not an ONNX model that can be run ({_first_line(error)})") from None
    if session.get_providers()[0] != _PROVIDERS[device]:
        raise ModelError(f"device {device}: {_PROVIDERS[device]} did not start; use cpu")
    return Network(path, _shapes(session.get_inputs()), _shapes(session.get_outputs()), session)


def _shapes(values: Any) -> dict[str, Shape]:
    # A value that is not a tensor, such as a list of maps, has no shape: its name alone is shown.
    return {v.name: tuple(n if isinstance(n, int) else None for n in (v.shape or ())) for v in values}


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
