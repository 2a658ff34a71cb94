"""How far one passer-by changes the counts of others: the influence b of the crossings promise, measured.

Invariant: the counter is that of live cameras, and nothing of it is copied. A result is a share of what was simulated;
it is never the delta of an (epsilon, delta) promise, which is about the worst case and the noise alone.

    street    a synthetic street is counted, and again without each of its actors who crosses a line
    pair      the L1 difference of all numbers: every line, direction and class
    day       the pairs of one person: C crossings, whose differences add up to at most their sum
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from passerby.audit.confidence import upper_bound
from passerby.errors import InputError
from passerby.io import files
from passerby.recordings.counter import Counter as PasserbyCounter
from passerby.recordings.settings import Runtime
from passerby.synth.draw import frames
from passerby.synth.street import Street
from passerby.synth.truth import lines, truth

Tally = Counter[tuple[str, str, str]]
"""Crossings by line, direction and class."""
Count = Callable[[Street, Sequence[str]], Tally]
"""Counts a street without the actors of these names."""

WEATHER = {"day": (1.0, 0.0), "low light": (0.4, 0.0), "rain": (0.8, 0.6)}
"""Contrast and rain of each."""
DENSITIES = ("light", "mixed", "dense")
ALPHA = 0.05
LIMIT = 0.01
"""An audit fails where more than this share of person-days exceeds Delta."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One street to audit, and the detector that counts it."""

    seed: int
    density: str
    weather: str
    detector: str
    duration_s: float = 60.0

    @property
    def street(self) -> Street:
        contrast, rain = WEATHER[self.weather]
        return Street(
            seed=self.seed,
            duration_s=self.duration_s,
            width=640,
            height=360,
            fps=10,
            density=self.density,
            contrast=contrast,
            rain=rain,
        )


@dataclass(frozen=True, slots=True)
class Pair:
    """A street with and without one actor, who truly crosses lines so many times: `difference` is the L1 difference of
    all counts."""

    setting: Setting
    actor: str
    kind: str
    crossings: int
    difference: int


def settings(streets: int, detector: str, first_seed: int = 1) -> tuple[Setting, ...]:
    """So many streets, of every density and weather in turn."""
    weathers = tuple(WEATHER)
    return tuple(
        Setting(
            first_seed + number,
            DENSITIES[number % len(DENSITIES)],
            weathers[number // len(DENSITIES) % len(weathers)],
            detector,
        )
        for number in range(streets)
    )


def counted_live(detector: str, model_dir: Path | None = None) -> Count:
    """Counts by the counter of live cameras."""

    def count(street: Street, without: Sequence[str]) -> Tally:
        counter = PasserbyCounter(lines(street), detector, runtime=Runtime(model_dir=model_dir))
        images = (
            (street.start_ms + round(street.time_s(number) * 1000), image)
            for number, image in enumerate(frames(street, without))
        )
        return Tally((one.line, str(one.direction), one.label.text) for one in counter.stream(images))

    return count


def pairs(setting: Setting, count: Count) -> Iterator[Pair]:
    """One pair for each actor of the street who crosses a line."""
    street = setting.street
    crossed = Counter((one.actor, one.label.text) for one in truth(street, lines(street)))
    everybody = count(street, ())
    for (actor, kind), crossings in sorted(crossed.items()):
        without = count(street, (actor,))
        cells = everybody.keys() | without.keys()
        difference = sum(abs(everybody[cell] - without[cell]) for cell in cells)
        yield Pair(setting, actor, kind, crossings, difference)


def measured(
    wanted: Sequence[Setting], model_dir: Path | None, jobs: int | None
) -> Iterator[tuple[Setting, list[Pair]]]:
    """The pairs of each street, in the order in which processes finish them."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        running = [pool.submit(_measured, setting, model_dir) for setting in wanted]
        for done in as_completed(running):
            yield done.result()


def _measured(setting: Setting, model_dir: Path | None) -> tuple[Setting, list[Pair]]:
    return setting, list(pairs(setting, counted_live(setting.detector, model_dir)))


@dataclass(frozen=True, slots=True)
class PersonDays:
    """How many of `number` person-days of C crossings exceeded Delta = C * b, and the largest difference of one.

    `limit`: with 95 % confidence, the share of such days that exceed it is at most this (Clopper and Pearson).
    """

    number: int
    exceeding: int
    largest: int
    limit: float

    @property
    def share(self) -> float:
        return self.exceeding / self.number if self.number else 0.0


def person_days(found: Sequence[Pair], crossings: int, influence: int) -> PersonDays:
    """Person-days that are put together from pairs, each pair used once, so that they are independent of each other.

    Their differences are added, which is the most that they can be together.
    """
    days = _days(found, crossings)
    exceeding = sum(day > crossings * influence for day in days)
    limit = upper_bound(exceeding, len(days), ALPHA) if days else 1.0
    return PersonDays(len(days), exceeding, max(days, default=0), limit)


def resampled_share(found: Sequence[Pair], crossings: int, influence: int, draws: int = 100_000) -> float:
    """The share of person-days that exceed Delta where each pair may be drawn again and again: a reckoned figure,
    without a limit."""
    if not found:
        return 0.0
    rng = np.random.default_rng(0)
    by_crossing = np.array([one.difference / one.crossings for one in found])
    weights = np.array([one.crossings for one in found], np.float64)
    drawn = rng.choice(by_crossing, (draws, crossings), p=weights / weights.sum())
    return float((drawn.sum(axis=1) > crossings * influence).mean())


def _days(found: Iterable[Pair], crossings: int) -> list[int]:
    """The differences of days: pairs in an order that a seed shuffles, until each day has so many crossings."""
    kept = sorted(
        found, key=lambda one: (one.setting.density, one.setting.weather, one.setting.seed, one.actor)
    )
    days, made, difference = [], 0, 0
    for index in np.random.default_rng(0).permutation(len(kept)):
        one = kept[index]
        made, difference = made + one.crossings, difference + one.difference
        if made >= crossings:
            days.append(difference)
            made = difference = 0
    return days


def load(path: Path) -> dict[Setting, list[Pair]]:
    """The pairs that were measured before, by street. Raises InputError for a file that this did not write."""
    found: dict[Setting, list[Pair]] = {}
    if not path.exists():
        return found
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            plain = json.loads(text)
            setting = Setting(**plain["setting"])
            found[setting] = [Pair(setting, **pair) for pair in plain["pairs"]]
        except (ValueError, TypeError, KeyError):
            raise InputError(f"{path}: line {number}: expected a line that this command wrote") from None
    return found


def save(path: Path, found: dict[Setting, list[Pair]]) -> None:
    """Write all pairs, a line for each street; the file is whole at any time. Raises OutputError."""
    texts = []
    for setting, of_street in found.items():
        plain = [
            {name: value for name, value in asdict(one).items() if name != "setting"} for one in of_street
        ]
        texts.append(json.dumps({"setting": asdict(setting), "pairs": plain}, sort_keys=True))
    files.write(path, "".join(f"{text}\n" for text in texts))


def report(found: Iterable[Pair], crossings: int, influence: int) -> Iterator[str]:
    """Tables in Markdown: the differences by crossing, and the person-days."""
    every = list(found)
    groups = {"all": every}
    for density in DENSITIES:
        groups[f"{density} traffic"] = [one for one in every if one.setting.density == density]
    for weather in WEATHER:
        groups[weather] = [one for one in every if one.setting.weather == weather]
    yield "| streets | pairs | 0 | 1 | 2 | 3 | 4 | more | mean for each crossing | largest |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    for name, of_group in groups.items():
        if of_group:
            yield _row(name, of_group)
    yield ""
    yield (
        f"| person-days of {crossings} crossings, b = {influence} | number | exceed {crossings * influence} | "
        "at most, with 95 % confidence | largest | reckoned from pairs drawn again and again |"
    )
    yield "|---|--:|--:|--:|--:|--:|"
    for name, of_group in groups.items():
        days = person_days(of_group, crossings, influence)
        if days.number:
            again = resampled_share(of_group, crossings, influence)
            yield (
                f"| {name} | {days.number} | {days.exceeding} ({days.share:.1%}) | {days.limit:.1%} | {days.largest} | "
                f"{again:.2%} |"
            )


def verdict(days: PersonDays, crossings: int, influence: int) -> str:
    """One sentence; a share of what was audited, and no delta."""
    holds, delta = "holds" if days.share <= LIMIT else "FAILS", crossings * influence
    return (
        f"b = {influence} {holds}: in {1 - days.share:.1%} of {days.number} audited person-days of {crossings} "
        f"crossings the loss is at most epsilon; beyond, it is epsilon times the difference by {delta}, at most "
        f"{max(1.0, days.largest / delta):.2f} times epsilon here"
    )


def _row(name: str, of_group: Sequence[Pair]) -> str:
    differences = Counter(one.difference for one in of_group)
    few = [str(differences[number]) for number in range(5)]
    more = sum(number for difference, number in differences.items() if difference > 4)
    mean = sum(one.difference for one in of_group) / sum(one.crossings for one in of_group)
    cells = [str(len(of_group)), *few, str(more), f"{mean:.2f}", str(max(differences))]
    return f"| {name} | {' | '.join(cells)} |"
