"""Metrics for Prometheus: the state of links and of the store, and the newest released numbers.

Invariant: health and released numbers only; nothing is measured on a picture, on the content of a response or on a
person.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from passerby.errors import StoreError
from passerby.publish.store.lazy_store import LazyStore

# `label` is the old name of `class`, kept for one version.
_CELL = ("camera", "line", "direction", "class", "label")


class StoreCollector(Collector):
    """Reads the store at each scrape."""

    def __init__(self, lazy_store: LazyStore) -> None:
        self._lazy_store = lazy_store

    def collect(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("passerby_store_up", "1 if the store of releases can be read.")
        try:
            store = self._lazy_store.store()
            health, latest = store.health(), store.latest()
        except StoreError:
            up.add_metric((), 0)
            return [up]
        up.add_metric((), 1)
        links = [
            GaugeMetricFamily("passerby_camera_up", "1 if the camera's link is up.", labels=("camera",)),
            GaugeMetricFamily(
                "passerby_camera_since_timestamp_seconds",
                "When the link went up or down.",
                labels=("camera",),
            ),
            GaugeMetricFamily(
                "passerby_camera_seen_timestamp_seconds",
                "When the link was last checked.",
                labels=("camera",),
            ),
        ]
        for link in health:
            for family, value in zip(
                links, (float(link.up), link.since_ms / 1000, link.seen_ms / 1000), strict=True
            ):
                family.add_metric((link.camera,), value)
        numbers = [
            GaugeMetricFamily(
                "passerby_released_value",
                "The newest released number of a bin, with its noise; can be negative.",
                labels=_CELL,
            ),
            GaugeMetricFamily(
                "passerby_released_noise_sd", "Standard deviation of the noise in the value.", labels=_CELL
            ),
            GaugeMetricFamily(
                "passerby_released_coverage_ratio",
                "Share of the bin with video frames, 0 to 1.",
                labels=_CELL,
            ),
            GaugeMetricFamily("passerby_released_end_timestamp_seconds", "When the bin ended.", labels=_CELL),
        ]
        for row in latest:
            cell = (row.cell.camera, row.cell.line, row.cell.direction, row.cell.label, row.cell.label)
            values = (float(row.value), row.noise_sd, row.coverage, row.end_ms / 1000)
            for family, value in zip(numbers, values, strict=True):
                family.add_metric(cell, value)
        return [up, *links, *numbers]


def registry_of(lazy_store: LazyStore) -> tuple[CollectorRegistry, Counter]:
    """The registry behind `/metrics`, and its counter of requests by route and status."""
    registry = CollectorRegistry()
    registry.register(StoreCollector(lazy_store))
    requests = Counter("passerby_api_requests", "Answered requests.", ("route", "status"), registry=registry)
    return registry, requests
