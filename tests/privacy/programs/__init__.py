"""Programs that fork and are killed: run beside the tests, each in a process of one thread."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def run_program(name: str, *arguments: str | Path) -> Any:
    """What the program prints, read as JSON."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name(f"{name}.py")), *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)
