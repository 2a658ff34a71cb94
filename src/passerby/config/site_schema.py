"""The keys of a site file, as pydantic models, and what is expected of each key.

Invariant: a key that no model names is refused.
"""

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from passerby.config import site_values as values
from passerby.config.camera_address import TRANSPORTS, Transport
from passerby.config.line_spec import make_line
from passerby.config.site_values import Check
from passerby.config.yaml_document import Key
from passerby.domain.geometry import DEFAULT_CORRIDOR, DIRECTIONS, Anchor, Point
from passerby.domain.labels import LABELS
from passerby.domain.policy import PromiseName
from passerby.errors import LineError

ARM_NAMES = ("in", "out")
"""The direction names of a line that lies across an arm of a junction."""

_Name = Annotated[str, Check("a name", values.name)]
_End = Annotated[Point, Check("a point [x, y] in fractions of the frame", values.point)]
_Corners = Annotated[tuple[Point, ...], Check("a list of at least three points [x, y]", values.corners)]
_Address = Annotated[str | dict[str, str] | None, Check("an address", values.camera_address)]
_Sentence = Annotated[str, Check(f"a text of at most {values.LONGEST_SENTENCE} characters", values.sentence)]
_Labels = Annotated[tuple[str, ...], Check(f"a list of some of {', '.join(LABELS)}", values.labels)]


_Database = Annotated[str, Check("a path or postgresql://USER@HOST/DATABASE", values.database_address)]
_Path = Annotated[str, Check("a path", values.path)]


class _Keys(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PrivacyKeys(_Keys):
    rho: Annotated[int | None, values.policy_check("rho_ms")] = None
    k: Annotated[int | None, values.policy_check("k")] = None
    epsilon: Annotated[float | None, values.policy_check("epsilon")] = None
    clip: Annotated[int | None, values.policy_check("clip")] = None
    chunk: Annotated[int | None, values.policy_check("chunk_ms")] = None
    warmup: Annotated[int | None, values.policy_check("warmup_ms")] = None
    every: Annotated[int | None, values.policy_check("every_ms")] = None


_Promise = Annotated[PromiseName, Check("crossings or footage", values.promise)]


class CrossingsKeys(_Keys):
    """The key `privacy` of a whole site, under the crossings promise."""

    promise: _Promise = "crossings"
    crossings: Annotated[int | None, values.policy_check("crossings")] = None
    influence: Annotated[int | None, values.policy_check("influence")] = None
    epsilon: Annotated[float | None, values.policy_check("epsilon")] = None
    every: Annotated[int | None, values.policy_check("every_ms")] = None
    reserve: Annotated[float | None, values.policy_check("reserve")] = None


class FootageKeys(PrivacyKeys):
    """The key `privacy` of a whole site, under the footage promise."""

    promise: _Promise = "footage"


class LineKeys(_Keys):
    start: _End = Field(alias="from")
    end: _End = Field(alias="to")
    names: Annotated[tuple[str, str], Check("two names, [to_right, to_left]", values.direction_names)] = (
        DIRECTIONS
    )
    count: _Labels | None = None
    anchor: Annotated[Anchor, Check("bottom or centre", values.anchor)] = "bottom"
    arm: _Name | None = None
    corridor: Annotated[
        float | None, Check("half its width in frame heights, above 0 and at most 2, or off", values.corridor)
    ] = DEFAULT_CORRIDOR
    privacy: PrivacyKeys | None = None

    @model_validator(mode="after")
    def _has_length(self) -> "LineKeys":
        try:
            make_line("-", self.start, self.end)
        except LineError as error:
            raise ValueError(str(error).partition(": ")[2]) from None
        return self

    @model_validator(mode="after")
    def _goes_in_and_out(self) -> "LineKeys":
        if self.arm is not None and set(self.names) != set(ARM_NAMES):
            raise ValueError(
                f"an arm of the junction {self.arm!r}, expected its names to be [in, out] or [out, in]"
            )
        return self


class AccuracyKeys(_Keys):
    share: Annotated[float, Check("a share from 0 to 1", values.share)]
    day: Annotated[date, Check("a date such as 2026-11-23", values.day)]


class CameraKeys(_Keys):
    source: _Address = None
    substream: _Address = None
    transport: Annotated[Transport, Check(" or ".join(TRANSPORTS), values.transport)] = "tcp"
    detector: _Name = "auto"
    lines: dict[_Name, LineKeys] = {}
    zones: dict[_Name, _Corners] = {}
    plan: Annotated[str | None, Check("the name of a PNG or SVG file", values.plan)] = None
    accuracy: AccuracyKeys | None = None
    privacy: PrivacyKeys | None = None


class PageKeys(_Keys):
    operator: _Sentence | None = None
    purpose: _Sentence | None = None
    contact: _Sentence | None = None
    url: Annotated[
        str | None, Check("a web address such as https://counts.example.org/", values.web_address)
    ] = None


class SiteKeys(_Keys):
    name: _Name
    timezone: Annotated[str, Check("an IANA name such as Europe/Copenhagen", values.timezone)]


class FileKeys(_Keys):
    site: SiteKeys
    page: PageKeys | None = None
    store: _Database | None = None
    ledger: _Database | None = None
    mark: _Path | None = None
    state: _Path | None = None
    privacy: Any = None
    """Read by `passerby.config.site_policies`: its keys are those of its promise."""
    cameras: Annotated[dict[_Name, CameraKeys], Field(min_length=1)]


def _model_at(key: Key, promise: PromiseName) -> type[_Keys]:
    """The model of the mapping at `key`, which is one that pydantic found a fault in, in a file of that promise."""
    match key:
        case ():
            return FileKeys
        case ("site",):
            return SiteKeys
        case ("page",):
            return PageKeys
        case (*_, "accuracy"):
            return AccuracyKeys
        case ("privacy",):
            return CrossingsKeys if promise == "crossings" else FootageKeys
        case (*_, "privacy"):
            return PrivacyKeys
        case ("cameras", _):
            return CameraKeys
        case _:
            return LineKeys


def expected_at(key: Key, promise: PromiseName) -> str:
    match key:
        case ("site",):
            return "a mapping with name and timezone"
        case ("cameras",) | ("cameras", _, "lines" | "zones"):
            return "a mapping from names"
        case (*parent, last):
            for name, field in _model_at(tuple(parent), promise).model_fields.items():
                if last == (field.alias or name):
                    for check in field.metadata:
                        if isinstance(check, Check):
                            return check.expected
    return f"a mapping with some of {', '.join(known_keys(key, promise))}"


def known_keys(key: Key, promise: PromiseName) -> list[str]:
    return [field.alias or name for name, field in _model_at(key, promise).model_fields.items()]
