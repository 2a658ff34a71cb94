"""What the templates are given: the values of each page, looked up and drawn.

Invariant: one function for one page; what it gives is what the template of its name takes.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from passerby.config.site import ARM_NAMES
from passerby.domain import calendar
from passerby.publish.pages import about as telling
from passerby.publish.pages import charts, downloads, panels, plan, rendering, views
from passerby.publish.pages.chart_style import Look
from passerby.publish.pages.counted_lines import Place
from passerby.publish.pages.estimates import Figure
from passerby.publish.pages.filters import Choice
from passerby.publish.pages.languages import Language
from passerby.publish.pages.page_context import Shown
from passerby.publish.pages.panels import Table
from passerby.publish.pages.renewal import Renewal
from passerby.publish.pages.sign import code_svg
from passerby.publish.pages.views import Now

SPARK_PX = 300


def now(shown: Shown) -> dict[str, Any]:
    language, zone = shown.language, shown.store.zone
    found = views.now(shown.store, shown.places, shown.newest_ms)
    newest = max(found, key=lambda one: one.newest.end).newest
    sparks = rendering.rows(charts.sparks(found, Look(language, SPARK_PX)))
    last_hour = [figure for one in found for figure in one.last_hour.values()]
    unit = plan.unit_of(last_hour)
    return {
        "day": language.day(calendar.to_local(shown.newest_ms, zone).date()),
        "newest_start": language.clock(newest.start),
        "newest_end": language.clock(newest.end),
        "spark_width": SPARK_PX,
        "lines": [_line(one, spark, language) for one, spark in zip(found, sparks, strict=True)],
        "silent": [one for one in shown.places if one not in [line.place for line in found]],
        "renewal": None if dict(shown.asked).get("renew") == "off" else _renewal(found),
        "junctions": list(_junctions(found, language)),
        "unit": unit,
        "marked": any(figure.sure for figure in last_hour),
        "plans": list(_plans(shown, found, unit)),
    }


def counts(shown: Shown) -> dict[str, Any]:
    language = shown.language
    choice = shown.choice()
    said = dict(shown.asked)
    view = views.view(shown.store, choice)
    last = calendar.to_local(shown.newest_ms, shown.store.zone).date()
    return {
        "choice": choice,
        "view": view,
        "days": panels.days_of(choice.first, choice.last, language),
        "lang": said.get("lang"),
        "renew": said.get("renew"),
        "resolution": said.get("resolution"),
        "coarser": said.get("resolution") not in (None, choice.resolution),
        "cameras": [
            (name, list(places)) for name, places in groupby(shown.places, key=lambda one: one.camera.name)
        ],
        "kinds": dict(zip(choice.place.directions, ("first", "second"), strict=False)),
        "ranges": list(_ranges(choice, last, language)),
        "panels": [] if view.empty else list(panels.panels(view, language)),
        "forms": downloads.forms(),
        "form_names": downloads.NAMES,
    }


def about(shown: Shown) -> dict[str, Any]:
    language = shown.language
    told = telling.tell(shown.store, shown.places, shown.newest_ms)
    return {
        "promises": _promises(shown),
        "classes": telling.listed(_labels(shown.places), language),
        "day": language.plain_day(told[0].day),
        "table": _told_table(told, language),
    }


def sign(shown: Shown) -> dict[str, Any]:
    url = shown.served.site.page.url
    return {
        "promises": _promises(shown),
        "classes": telling.listed(_labels(shown.places), shown.language),
        "code": None if url is None else code_svg(url),
    }


def _line(one: Now, spark: str, language: Language) -> dict[str, Any]:
    head = (
        language.say("Time"),
        language.say("Counted"),
        language.say("True number, 19 times in 20"),
        language.say("Camera saw"),
    )
    rows = [
        (
            f"{language.clock(bar.start)}–{language.clock(bar.end)}",
            bar.figure.text(language),
            bar.figure.interval(language),
            language.share(bar.coverage),
        )
        for bar in one.recent
    ]
    length_ms = (one.newest.end.timestamp() - one.newest.start.timestamp()) * 1000
    return {
        "now": one,
        "spark": spark,
        "start": language.clock(one.recent[0].start),
        "end": language.clock(one.newest.end),
        "minutes": language.number(length_ms / 60_000),
        "table": Table(head, tuple(rows)),
    }


def _renewal(found: Sequence[Now]) -> Renewal:
    """By the line of which something new is out first."""
    end = max(one.newest.end for one in found)
    bin_ms = min(one.place.bin_ms for one in found if one.newest.end == end)
    return Renewal(calendar.to_ms(end), bin_ms)


def _junctions(found: Sequence[Now], language: Language) -> Iterator[tuple[str, Table]]:
    """Each junction by name, with what went in and out by its arms on the day so far."""
    say = language.say
    arms: dict[str, list[Now]] = {}
    for one in found:
        if one.place.junction is not None:
            arms.setdefault(one.place.junction, []).append(one)
    for name, of_junction in arms.items():
        several = len({one.place.camera.name for one in of_junction}) > 1
        rows = []
        for one in of_junction:
            figures = [one.directions.get(way) for way in ARM_NAMES]
            shown = [
                f"{figure.text(language)} ({figure.interval(language)})" if figure else "–"
                for figure in figures
            ]
            rows.append((f"{one.place.camera.name}: {one.place.name}" if several else one.place.name, *shown))
        yield name, Table((say("Arm"), say("Into the junction"), say("Out of it")), tuple(rows))


def _plans(shown: Shown, found: Sequence[Now], unit: int) -> Any:
    for number, camera in enumerate(shown.served.site.cameras):
        lines = [one for one in found if one.place.camera.name == camera.name]
        if not lines:
            continue
        picture = shown.served.plans.get(str(number))
        width, height = plan.size(picture)
        yield {
            "camera": camera.name,
            "address": None if picture is None else f"plan-{number}",
            "width": width,
            "height": height,
            "lines": [
                {
                    "name": one.place.name,
                    "figures": one.last_hour,
                    "drawn": plan.draw(index, one.place.line.line, _by_name(one), unit, picture),
                }
                for index, one in enumerate(lines, start=1)
            ],
        }


def _by_name(one: Now) -> list[Figure | None]:
    return [one.last_hour.get(name) for name in one.place.line.line.names]


def _ranges(choice: Choice, newest: date, language: Language) -> Any:
    """Usual spans of days, all of them up to the newest."""
    for days, text in (
        (1, language.say("Newest day")),
        (7, language.say("7 days")),
        (30, language.say("30 days")),
        (365, language.say("A year")),
    ):
        first = None if days == 1 else (newest - timedelta(days=days - 1)).isoformat()
        current = choice.last == newest and choice.days == days
        yield text, choice.query(from_=first, to=None, resolution=None), current


def _promises(shown: Shown) -> list[dict[str, str]]:
    language = shown.language
    return [
        {
            "sentence": telling.sentence(promise, language),
            "lines": language.listing([f"{one.camera.name} {one.name}" for one in places]),
        }
        for promise, places in telling.promises(shown.places).items()
    ]


def _labels(places: Sequence[Place]) -> list[str]:
    return list(dict.fromkeys(label for place in places for label in place.labels))


def _told_table(told: Sequence[telling.Told], language: Language) -> Table:
    say = language.say
    head = (
        say("Line"),
        say("Counted"),
        say("Epsilon spent"),
        say("Camera saw, 30 days"),
        say("Accuracy"),
    )
    rows = []
    for one in told:
        place, policy, accuracy = one.place, one.place.line.policy, one.place.camera.accuracy
        rows.append(
            (
                f"{place.camera.name}: {place.name}",
                telling.listed(place.labels, language),
                say(
                    "{sum} of {whole}: {bins} for bins, {day} for the day",
                    sum=language.number(one.spent, 3),
                    whole="–" if policy is None else language.number(policy.epsilon, 3),
                    bins=language.number(one.spent_bins or 0, 3),
                    day=language.number(one.spent_day or 0, 3),
                ),
                say("not known") if one.coverage is None else language.share(one.coverage, 1),
                say("not measured")
                if accuracy is None
                else say(
                    "{share} counted rightly, checked by hand on {day}",
                    share=language.share(accuracy.share, 1),
                    day=language.plain_day(accuracy.day),
                ),
            )
        )
    return Table(head, tuple(rows))
