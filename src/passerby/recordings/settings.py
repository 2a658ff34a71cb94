"""How to count: the settings that change the speed of a count and never its result.

Invariant: frozen values; nothing is opened or started here.
"""

from dataclasses import dataclass
from pathlib import Path

from passerby.errors import InputError
from passerby.executors.processes import Executor


@dataclass(frozen=True, slots=True)
class Runtime:
    """Settings that change the speed of a count and never its result.

    `jobs`: number of processes. `executor`: runs the parts of a recording in place of these processes, see
    `passerby.executors.processes.Executor`. `decode`: software, cuda, vaapi, qsv or auto. `device`: cpu, cuda or
    openvino, for models. `model_dir`: folder of the models' weights, None for the usual one.

    Raises InputError for fewer than one job.

    >>> passerby.Runtime(jobs=2).device
    'cpu'
    """

    jobs: int = 1
    executor: Executor | None = None
    decode: str = "software"
    device: str = "cpu"
    model_dir: Path | None = None

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise InputError(f"{self.jobs} jobs: expected at least 1")
