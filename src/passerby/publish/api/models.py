"""The query and the JSON responses of the API, as Pydantic models: FastAPI validates and documents them.

Invariant: every field of a response is a released number, a name from the site file or the state of a link.
"""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from passerby.domain.policy import PromiseName

MOST_ROWS = 10_000


def _digits(value: Any) -> Any:
    # Python also accepts 1_000, 1.0 and digits of other scripts as numbers.
    if isinstance(value, str) and not (value.isascii() and value.isdigit() and len(value) < 7):
        raise ValueError("expected a whole number")
    return value


Name = Annotated[str, Field(min_length=1, max_length=100)]
Names = Annotated[list[Name], Field(max_length=50)]
# An optional parameter is described by the type of its value: a query string has no null.
Time = Annotated[
    Annotated[str, Field(max_length=40)] | None,
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
    ),
]
_CURSOR = "^[0-9]{1,15}-[0-9]{1,9}$"
CursorText = Annotated[
    Annotated[str, Field(pattern=_CURSOR)] | None, WithJsonSchema({"type": "string", "pattern": _CURSOR})
]


class ReleasesQuery(BaseModel):
    """The query of a page of releases; without parameters, it starts with the oldest."""

    model_config = ConfigDict(extra="forbid", populate_by_name=False)

    camera: Names = Field([], description="Only these cameras.")
    line: Names = Field([], description="Only these lines.")
    direction: Names = Field([], description="Only these directions.")
    class_: Names = Field([], alias="class", description="Only these classes, such as person or bicycle.")
    label: Names = Field(
        [], deprecated=True, description="The old name of `class`; goes in the next version."
    )
    from_: Time = Field(
        None,
        alias="from",
        description="Only bins that start at or after this time; local time of the site if it has no offset.",
    )
    to: Time = Field(None, description="Only bins that start before this time.")
    resolution: Literal["bin", "hour", "day"] = Field(
        "bin", description="`bin`: as released; `hour`, `day`: sums."
    )
    limit: Annotated[int, BeforeValidator(_digits)] = Field(
        1_000, ge=1, le=MOST_ROWS, description="Rows per page."
    )
    cursor: CursorText = Field(
        None, description="The start of a page: `next` of the previous page, also in its Link header."
    )

    @property
    def classes(self) -> tuple[str, ...]:
        # Pydantic warns when a deprecated field is read as an attribute.
        return (*self.class_, *dict(self)["label"])


Class = Annotated[
    str,
    Field(
        alias="class",
        description="Such as person, bicycle or vehicle; unknown is what could not be told apart.",
    ),
]
OldClass = Annotated[
    str, Field(deprecated=True, description="The old name of `class`; goes in the next version.")
]


class Row(BaseModel):
    """One published number."""

    start: AwareDatetime
    end: AwareDatetime
    camera: str
    line: str
    direction: str
    class_: Class
    label: OldClass
    value: int = Field(description="The count with noise; the noise can make it negative.")
    noise_sd: float = Field(description="Standard deviation of the noise in `value`.")
    noise_95: int = Field(
        description="Half-width of the 95 % interval: the exact count is in `value` ± `noise_95` in 95 % of cases."
    )
    epsilon: float = Field(description="The privacy loss of the release; for a sum of bins, that of one bin.")
    coverage: float = Field(ge=0, le=1, description="Share of the time with video frames.")
    sender_clock: Annotated[float, Field(ge=0, le=1)] | None = Field(
        description="Share of the time with frames that were dated by the camera's clock; the other frames in "
        "`coverage` were dated by their arrival. Null if it is not known."
    )
    releases: int = Field(ge=1, description="How many releases were added.")
    complete: bool = Field(description="Whether these releases cover the whole time.")
    receipt: str | None = Field(
        description="The entry of the privacy ledger that paid for it; null for a sum."
    )
    promise: PromiseName = Field(description="The privacy promise that it was released under.")


class Page(BaseModel):
    """Rows sorted by their start."""

    resolution: Literal["bin", "hour", "day"]
    timezone: str
    next: str | None = Field(description="The cursor of the next page; null at the end.")
    rows: list[Row]


class CellRow(BaseModel):
    """A cell: each cell has a number for each bin, also when nothing was counted."""

    camera: str
    line: str
    direction: str
    class_: Class
    label: OldClass


class CameraRow(BaseModel):
    """The state of a camera's link; it does not depend on the picture."""

    camera: str
    up: bool
    reason: str = Field(description="Why the link is down, in a few words; empty if it is up.")
    since: AwareDatetime = Field(description="When the link went up or down.")
    seen: AwareDatetime = Field(description="When the link was last checked.")


class Status(BaseModel):
    status: Literal["ok", "ready"]
