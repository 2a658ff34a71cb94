"""The public names: what stands here is promised, and a name that comes or goes is seen in a review."""

import inspect
import subprocess
import sys
import typing

import pytest

import passerby
from passerby import errors


def test_the_public_names_are_these() -> None:
    assert sorted(passerby.__all__) == [
        "BinCount",
        "Boxes",
        "BudgetError",
        "Cell",
        "Checkpoint",
        "ClipSummary",
        "ConflictError",
        "ContextParams",
        "Cost",
        "CountOptions",
        "Counter",
        "CountingParams",
        "Counts",
        "Crossing",
        "CrossingParams",
        "Detector",
        "Evaluation",
        "Evidence",
        "Executor",
        "InputError",
        "KindParams",
        "Kinematics",
        "Label",
        "LedgerError",
        "Line",
        "LineDiagnostics",
        "LineError",
        "ModelError",
        "Optimizations",
        "OutputError",
        "PasserbyError",
        "PolicyError",
        "Progress",
        "Published",
        "Release",
        "Runtime",
        "Score",
        "Site",
        "SiteError",
        "SourceError",
        "StoreError",
        "Summary",
        "TotalCount",
        "TrackerParams",
        "TruthError",
        "UnknownNameError",
        "Visibility",
        "VisibilityParams",
        "count",
        "evaluate",
        "load_site",
        "release",
    ]


def test_every_public_name_is_there() -> None:
    assert [name for name in passerby.__all__ if getattr(passerby, name, None) is None] == []
    assert set(passerby.__all__) <= set(dir(passerby))


def test_every_error_that_is_raised_is_public() -> None:
    raised = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, Exception) and not name.startswith("_")
    }
    assert raised <= set(passerby.__all__)


def public_functions() -> dict[str, typing.Any]:
    """The public functions, and the public methods of the public classes, constructors too."""
    functions = {}
    for name in passerby.__all__:
        value = getattr(passerby, name)
        if inspect.isfunction(value):
            functions[name] = value
        # `load_site` makes a site.
        elif (
            inspect.isclass(value)
            and name != "Site"
            and not issubclass(value, Exception | typing.cast(type, tuple))
        ):
            for key, method in vars(value).items():
                if inspect.isfunction(method) and (key == "__init__" or not key.startswith("_")):
                    functions[f"{name}.{key}"] = method
    return functions


def test_no_public_function_takes_more_than_eight_parameters() -> None:
    written = {
        name: len(inspect.signature(function).parameters)
        for name, function in public_functions().items()
        # A dataclass of settings writes its own constructor, in which every argument has a name.
        if function.__qualname__.partition(".")[0] in ("Counter", "Checkpoint") or "." not in name
    }
    assert {"Counter.__init__", "Counter.count", "count", "evaluate", "release"} <= set(written)
    assert {name: number for name, number in written.items() if number > 8} == {}


def test_every_class_of_ours_in_a_public_signature_is_public() -> None:
    public = {id(getattr(passerby, name)) for name in passerby.__all__}
    missing = {
        (name, kind.__name__)
        for name, function in public_functions().items()
        for parameter, hint in typing.get_type_hints(function).items()
        if parameter != "return"
        for kind in classes_in(hint)
        if kind.__module__.startswith("passerby") and id(kind) not in public
    }
    # Where a recording lies: a str or a Path will do. Counting itself saves the state in a checkpoint.
    assert missing <= {("Counter.count", "Url"), ("count", "Url"), ("Checkpoint.save", "Done")}


def classes_in(hint: object) -> list[type]:
    """The classes that a type hint names, however deep."""
    inner = [kind for argument in typing.get_args(hint) for kind in classes_in(argument)]
    return [*inner, hint] if isinstance(hint, type) else inner


@pytest.mark.process
def test_importing_the_package_is_light() -> None:
    program = "import sys, passerby; print(sorted({'numpy', 'av', 'cv2', 'pydantic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
