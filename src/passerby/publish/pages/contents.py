"""The values that the page templates get.

Invariant: one function for each page; its result has exactly the values that the template of its name uses.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from passerby.config.site import ARM_NAMES, Site
from passerby.domain import calendar
from passerby.domain.promise import site_promise_of
from passerby.publish.pages import about as facts
from passerby.publish.pages import charts, downloads, panels, plan, rendering, views, words
from passerby.publish.pages.auto_refresh import AutoRefresh
from passerby.publish.pages.chart_style import ChartStyle
from passerby.publish.pages.estimates import Estimate
from passerby.publish.pages.filters import Filters
from passerby.publish.pages.languages import Language
from passerby.publish.pages.page_context import PageContext
from passerby.publish.pages.panels import Table
from passerby.publish.pages.published_lines import PublishedLine
from passerby.publish.pages.sign import code_svg
from passerby.publish.pages.views import LineSummary

SPARK_PX = 300


def now(context: PageContext) -> dict[str, Any]:
    language, zone = context.language, context.store.zone
    summaries = views.summaries(context.store, context.lines, context.newest_ms)
    newest = max(summaries, key=lambda summary: summary.newest.end).newest
    sparks = rendering.rows(charts.sparks(summaries, ChartStyle(language, SPARK_PX)))
    last_hour = [estimate for summary in summaries for estimate in summary.last_hour.values()]
    unit = plan.unit_of(last_hour)
    recent = {summary.line.key for summary in summaries}
    refreshes = dict(context.parameters).get("renew") != "off"
    return {
        "day": language.day(calendar.to_local(context.newest_ms, zone).date()),
        "newest_start": language.clock(newest.start),
        "newest_end": language.clock(newest.end),
        "spark_width": SPARK_PX,
        "cards": [_card(summary, spark, language) for summary, spark in zip(summaries, sparks, strict=True)],
        "without_recent": [line for line in context.lines if line.key not in recent],
        "auto_refresh": _auto_refresh(summaries) if refreshes else None,
        "junctions": list(_junctions(summaries, language)),
        "unit": unit,
        "has_dots": any(estimate.sure for estimate in last_hour),
        "plans": list(_plans(context, summaries, unit)),
    }


def counts(context: PageContext) -> dict[str, Any]:
    language = context.language
    filters = context.filters()
    parameters = dict(context.parameters)
    view = views.view(context.store, filters)
    newest = calendar.to_local(context.newest_ms, context.store.zone).date()
    cameras = groupby(context.lines, key=lambda line: line.camera.name)
    return {
        "filters": filters,
        "view": view,
        "days": panels.days_text(filters.first, filters.last, language),
        "lang": parameters.get("lang"),
        "renew": parameters.get("renew"),
        "resolution": parameters.get("resolution"),
        "coarser": parameters.get("resolution") not in (None, filters.resolution),
        "cameras": [(name, list(lines)) for name, lines in cameras],
        "colours": dict(zip(filters.line.directions, ("first", "second"), strict=False)),
        "ranges": list(_ranges(filters, newest, language)),
        "panels": [] if view.empty else list(panels.panels(view, language)),
        "formats": downloads.formats(),
        "format_names": downloads.NAMES,
    }


def about(context: PageContext) -> dict[str, Any]:
    language = context.language
    lines = facts.line_facts(context.store, context.lines, context.newest_ms)
    return {
        "promises": _promises(context),
        "classes": facts.class_list(_labels(context.lines), language),
        "day": language.plain_day(lines[0].day),
        "table": _facts_table(lines, context.server.site, language),
        "of_site": _of_site(context),
    }


def sign(context: PageContext) -> dict[str, Any]:
    url = context.server.site.page.url
    return {
        "promises": _promises(context),
        "classes": facts.class_list(_labels(context.lines), context.language),
        "code": None if url is None else code_svg(url),
    }


def _card(summary: LineSummary, spark: str, language: Language) -> dict[str, Any]:
    head = (
        language.translate("Time"),
        language.translate("Number"),
        words.interval_name(language),
        language.translate("Data coverage"),
    )
    rows = [
        (
            f"{language.clock(bar.start)}–{language.clock(bar.end)}",
            bar.estimate.text(language),
            bar.estimate.interval(language),
            language.share(bar.coverage),
        )
        for bar in summary.recent
    ]
    newest = summary.newest
    return {
        "summary": summary,
        "spark": spark,
        "start": language.clock(summary.recent[0].start),
        "end": language.clock(newest.end),
        "length": words.length_text(calendar.to_ms(newest.end) - calendar.to_ms(newest.start), language),
        "table": Table(head, tuple(rows)),
    }


def _auto_refresh(summaries: Sequence[LineSummary]) -> AutoRefresh:
    """For the line whose next bin is published first."""
    end = max(summary.newest.end for summary in summaries)
    bin_ms = min(summary.line.bin_ms for summary in summaries if summary.newest.end == end)
    return AutoRefresh(calendar.to_ms(end), bin_ms)


def _junctions(summaries: Sequence[LineSummary], language: Language) -> Iterator[tuple[str, Table]]:
    """The name of each junction, with the traffic into and out of it on each arm, on the day so far."""
    translate = language.translate
    arms: dict[str, list[LineSummary]] = {}
    for summary in summaries:
        if summary.line.junction is not None:
            arms.setdefault(summary.line.junction, []).append(summary)
    for name, of_junction in arms.items():
        several = len({summary.line.camera.name for summary in of_junction}) > 1
        rows = []
        for summary in of_junction:
            estimates = [summary.directions.get(direction) for direction in ARM_NAMES]
            cells = [
                f"{estimate.text(language)} ({estimate.interval(language)})" if estimate else "–"
                for estimate in estimates
            ]
            line = summary.line
            rows.append((f"{line.camera.name}: {line.name}" if several else line.name, *cells))
        head = (translate("Arm"), translate("Into the junction"), translate("Out of the junction"))
        yield name, Table(head, tuple(rows))


def _plans(context: PageContext, summaries: Sequence[LineSummary], unit: int) -> Iterator[dict[str, Any]]:
    """The plan of each camera that has recent numbers; a dot stands for `unit` crossings."""
    for number, camera in enumerate(context.server.site.cameras):
        of_camera = [summary for summary in summaries if summary.line.camera.name == camera.name]
        if not of_camera:
            continue
        image = context.server.plans.get(str(number))
        width, height = plan.size(image)
        yield {
            "camera": camera.name,
            "address": None if image is None else f"plan-{number}",
            "width": width,
            "height": height,
            "lines": [
                {
                    "name": summary.line.name,
                    "estimates": summary.last_hour,
                    "plan_line": plan.plan_line(
                        index, summary.line.counted.line, _by_name(summary), unit, image
                    ),
                }
                for index, summary in enumerate(of_camera, start=1)
            ],
        }


def _by_name(summary: LineSummary) -> list[Estimate | None]:
    return [summary.last_hour.get(name) for name in summary.line.counted.line.names]


def _ranges(filters: Filters, newest: date, language: Language) -> Iterator[tuple[str, str, bool]]:
    """Usual ranges of days up to the newest: the text, the query of the URL, and whether it is shown now."""
    for days, text in (
        (1, language.translate("Latest day")),
        (7, words.length_text(7 * calendar.DAY_MS, language)),
        (30, words.length_text(30 * calendar.DAY_MS, language)),
        (365, language.translate("1 year")),
    ):
        first = None if days == 1 else (newest - timedelta(days=days - 1)).isoformat()
        current = filters.last == newest and filters.days == days
        yield text, filters.query(from_=first, to=None, resolution=None), current


def _promises(context: PageContext) -> list[dict[str, str]]:
    language, policy = context.language, context.server.site.privacy
    if policy is not None:
        text = facts.site_promise_text(site_promise_of(policy), language)
        return [{"text": text, "lines": ""}]
    return [
        {
            "text": facts.promise_text(promise, language),
            "lines": language.listing([f"{line.camera.name} {line.name}" for line in lines]),
        }
        for promise, lines in facts.promises(context.lines).items()
    ]


def _of_site(context: PageContext) -> dict[str, str] | None:
    """What limits the crossings promise, as numbers; None under the footage promise."""
    policy, language = context.server.site.privacy, context.language
    if policy is None:
        return None
    promise = site_promise_of(policy)
    return {
        "epsilon": language.number(promise.epsilon, 3),
        "year": language.number(promise.year_epsilon, 1),
        "influence": language.number(policy.influence, 3),
    }


def _labels(lines: Sequence[PublishedLine]) -> list[str]:
    return list(dict.fromkeys(label for line in lines for label in line.labels))


def _facts_table(lines: Sequence[facts.LineFacts], site: Site, language: Language) -> Table:
    translate = language.translate
    head = (
        translate("Line"),
        translate("Classes"),
        translate("Epsilon spent"),
        translate("Data coverage, 30 days"),
        translate("Accuracy"),
    )
    rows = []
    for of_line in lines:
        line, accuracy = of_line.line, of_line.line.camera.accuracy
        rows.append(
            (
                f"{line.camera.name}: {line.name}",
                facts.class_list(line.labels, language),
                _spent(of_line, site, language),
                translate("not known") if of_line.coverage is None else language.share(of_line.coverage, 1),
                translate("not measured")
                if accuracy is None
                else translate(
                    "{share} counted correctly, checked by hand on {day}",
                    share=language.share(accuracy.share, 1),
                    day=language.plain_day(accuracy.day),
                ),
            )
        )
    return Table(head, tuple(rows))


def _spent(of_line: facts.LineFacts, site: Site, language: Language) -> str:
    """The epsilon that was spent on the last whole day."""
    if of_line.spent is None:
        return language.translate("none: no numbers on this day")
    policy = site.privacy or of_line.line.counted.policy
    return language.translate(
        "{sum} of {whole}: {bins} for bins, {day} for the whole day",
        sum=language.number(of_line.spent, 3),
        whole="–" if policy is None else language.number(policy.epsilon, 3),
        bins=language.number(of_line.spent_bins or 0, 3),
        day=language.number(of_line.spent_day or 0, 3),
    )
