"""The promise of a site file and its privacy policies: how they merge, and whether their durations fit together.

Invariant: a file gives one promise; a policy that can never release is refused, at the key that the user wrote and in
the user's units.

    privacy at the top of the file                    its `promise`, which is crossings where it names none
    privacy at a camera or a line, none at the top    footage, as files had it before there were two promises
    no privacy at all                                 crossings, with the defaults
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from passerby.config.site_schema import CrossingsKeys, FootageKeys, PrivacyKeys
from passerby.config.yaml_document import Document, Key
from passerby.domain.calendar import DAY_MS, duration_text
from passerby.domain.policy import CrossingsPolicy, FootagePolicy, PromiseName
from passerby.errors import PolicyError

_LARGE_EPSILON = 5.0
_SECOND_MS = 1000
_USUAL_EVERY_MS = 900_000


_Policy = TypeVar("_Policy", CrossingsPolicy, FootagePolicy)


def merged(under: _Policy, keys: PrivacyKeys | CrossingsKeys) -> _Policy:
    """The policy `under`, with the values of `keys` in place of its own. Raises PolicyError where they do not fit."""
    given = keys.model_dump(exclude_none=True, exclude={"promise"})
    names = {field.name.removesuffix("_ms"): field.name for field in fields(under)}
    return replace(under, **{names[name]: value for name, value in given.items()})


def promise_of_file(document: Document) -> PromiseName:
    """The promise that a site file gives, also where it has mistakes."""
    top = document.value.get("privacy")
    if top is not None:
        return "footage" if isinstance(top, dict) and top.get("promise") == "footage" else "crossings"
    return "footage" if _written_below(document) else "crossings"


def policy_at_top(
    document: Document, default: PromiseName
) -> CrossingsPolicy | FootagePolicy | list[ErrorDetails]:
    """The policy of the key `privacy` at the top of a file, with the promise `default` where it names none.

    Where it has mistakes, those, at their places in the file.
    """
    value = _mapping(document.value, "privacy")
    footage = value.get("promise", default) == "footage"
    try:
        if footage:
            return merged(FootagePolicy(), FootageKeys.model_validate(document.value["privacy"]))
        return merged(CrossingsPolicy(), CrossingsKeys.model_validate(document.value["privacy"]))
    except ValidationError as error:
        return [
            {**mistake, "loc": ("privacy", *mistake["loc"])} for mistake in error.errors(include_url=False)
        ]
    except PolicyError:
        # Its durations do not fit together: see `misfit_of_file`.
        return FootagePolicy()


def add_both_promises(document: Document) -> None:
    """Add a mistake for each policy of a camera or a line in a file whose top gives the crossings promise."""
    if document.value.get("privacy") is None or promise_of_file(document) == "footage":
        return
    for key in _written_below(document):
        line = document.line_of(("privacy",))
        document.add(
            key,
            f"found both promises: crossings at the top of the file (line {line}) and footage here; expected one, "
            "such as no privacy here",
        )


def note_of_promise(document: Document) -> Iterator[str]:
    """A line for people about a file that gives the footage promise without naming it."""
    written = _written_below(document)
    if written and document.value.get("privacy") is None:
        yield document.message_at(
            written[0],
            "this file gives the footage promise, as before; the crossings promise (one key at the top of the file, "
            "privacy: {promise: crossings}, and none below) gives numbers with far less noise",
        )


def _written_below(document: Document) -> list[Key]:
    """The places of the policies of cameras and lines, in the order of the file."""
    found: list[Key] = []
    for name, camera in _mapping(document.value, "cameras").items():
        holders = {("cameras", name): camera} | {
            ("cameras", name, "lines", line_name): line
            for line_name, line in _mapping(camera, "lines").items()
        }
        found += [
            (*key, "privacy")
            for key, holder in holders.items()
            if isinstance(holder, dict) and holder.get("privacy") is not None
        ]
    return sorted(found, key=document.line_of)


def add_misfits(document: Document, under: FootagePolicy) -> None:
    """Add every policy whose durations do not fit together, also where the file has other mistakes.

    `under`: the defaults of all cameras.
    """
    for name, camera in _mapping(document.value, "cameras").items():
        key: Key = ("cameras", name)
        lines = _mapping(camera, "lines")
        policy = _merged_or(under, camera, key, document)
        alone = not any(_mapping(line, "privacy") for line in lines.values())
        if alone and _mapping(camera, "privacy"):
            _add_indivisible(policy, [(*key, "privacy")], document)
        for line_name, line in lines.items():
            line_key = (*key, "lines", line_name)
            of_line = _merged_or(policy, line, line_key, document)
            if not alone and (_mapping(line, "privacy") or _mapping(camera, "privacy")):
                _add_indivisible(of_line, [(*line_key, "privacy"), (*key, "privacy")], document)


def misfit_of_file(document: Document) -> None:
    """The same for the policy at the top of a file, of the footage promise."""
    policy = _merged_or(FootagePolicy(), document.value, (), document)
    _add_indivisible(policy, [("privacy",)], document)


def warnings_of_policies(
    policies: Mapping[Key, CrossingsPolicy | FootagePolicy | None], document: Document
) -> Iterator[str]:
    """A line for people about each policy of the file that protects little."""
    for key, policy in policies.items():
        if key in document.lines and policy is not None and policy.epsilon > _LARGE_EPSILON:
            yield document.message_at(
                (*key, "epsilon"), f"{policy.epsilon:g} is above {_LARGE_EPSILON:g}: it hides little"
            )


def _merged_or(under: FootagePolicy, holder: Any, key: Key, document: Document) -> FootagePolicy:
    model = PrivacyKeys if key else FootageKeys
    try:
        keys = model.model_validate(_mapping(holder, "privacy"))
    except ValidationError:
        return under
    try:
        return merged(under, keys)
    except PolicyError:
        # Each value is right by itself, so it is the chunk that is longer than `every`.
        chunk_ms, every_ms = keys.chunk or under.chunk_ms, keys.every or under.every_ms
        _add_misfit(chunk_ms, every_ms, [(*key, "privacy")], document)
        return under


def _add_indivisible(policy: FootagePolicy, keys: list[Key], document: Document) -> None:
    """Add a mistake where the chunk does not divide `every`; `keys` are those of the policy, the nearest first."""
    if policy.every_ms % policy.chunk_ms:
        _add_misfit(policy.chunk_ms, policy.every_ms, keys, document)


def _add_misfit(chunk_ms: int, every_ms: int, keys: list[Key], document: Document) -> None:
    written = [(*key, name) for key in keys for name in ("every", "chunk") if (*key, name) in document.lines]
    texts = {key[-1]: _text_at(document, key) for key in reversed(written)}
    chunk = texts.get("chunk", duration_text(chunk_ms))
    every = texts.get("every", duration_text(every_ms))
    chunks = ", ".join(map(duration_text, _chunks(every_ms, chunk_ms)))
    if written[0][-1] == "every":
        everies = "".join(f"{duration_text(length_ms)}, " for length_ms in _everies(chunk_ms, every_ms))
        expected = f"such as {everies}or a chunk such as {chunks}" if everies else f"a chunk such as {chunks}"
        problem = f"found {every}, which the chunk of {chunk} does not divide; expected {expected}"
    else:
        problem = f"found {chunk}, which does not divide every, {every}; expected such as {chunks}"
    document.add(written[0], problem)


def _text_at(document: Document, key: Key) -> str:
    """The value of `key` as the user wrote it."""
    value: Any = document.value
    for part in key:
        value = value[part]
    return str(value)


def _everies(chunk_ms: int, near_ms: int) -> list[int]:
    """Lengths that divide a day and that the chunk divides: three near `near_ms`, and the usual one; or none."""
    fitting = [
        length
        for length in range(_SECOND_MS, DAY_MS + 1, _SECOND_MS)
        if DAY_MS % length == 0 and length % chunk_ms == 0
    ]
    nearest = sorted(fitting, key=lambda length: abs(length - near_ms))[:3]
    usual = [_USUAL_EVERY_MS] if _USUAL_EVERY_MS in fitting else []
    return sorted({*nearest, *usual})


def _chunks(every_ms: int, near_ms: int) -> list[int]:
    """Up to two lengths of whole seconds that divide `every_ms`: the nearest to `near_ms`."""
    fitting = [length for length in range(_SECOND_MS, every_ms + 1, _SECOND_MS) if every_ms % length == 0]
    return sorted(sorted(fitting, key=lambda length: abs(length - near_ms))[:2])


def _mapping(holder: Any, key: str) -> dict[str, Any]:
    inner = holder.get(key) if isinstance(holder, dict) else None
    return inner if isinstance(inner, dict) else {}
