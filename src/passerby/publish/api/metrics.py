"""What Prometheus may know: links, the store, and released values.

Invariant: health and released numbers only; nothing here is measured on a picture, a request's answer or a person.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from passerby.errors import StoreError
from passerby.publish.store.lazy_store import OpenedStore

_CELL = ("camera", "line", "direction", "label")


class StoreCollector(Collector):
    """Reads the store whenever it is asked."""

    def __init__(self, opened: OpenedStore) -> None:
        self._opened = opened

    def collect(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("passerby_store_up", "1 when the store of releases can be read.")
        try:
            store = self._opened.store()
            health, latest = store.health(), store.latest()
        except StoreError:
            up.add_metric((), 0)
            return [up]
        up.add_metric((), 1)
        links = [
            GaugeMetricFamily("passerby_camera_up", "1 while the camera's link is up.", labels=("camera",)),
            GaugeMetricFamily(
                "passerby_camera_since_timestamp_seconds", "Since when it is so.", labels=("camera",)
            ),
            GaugeMetricFamily(
                "passerby_camera_seen_timestamp_seconds", "When that was last known.", labels=("camera",)
            ),
        ]
        for one in health:
            for family, value in zip(
                links, (float(one.up), one.since_ms / 1000, one.seen_ms / 1000), strict=True
            ):
                family.add_metric((one.camera,), value)
        numbers = [
            GaugeMetricFamily("passerby_released_value", "The newest released number, signed.", labels=_CELL),
            GaugeMetricFamily("passerby_released_noise_sd", "Standard deviation of its noise.", labels=_CELL),
            GaugeMetricFamily(
                "passerby_released_coverage_ratio", "Share of its span with frames.", labels=_CELL
            ),
            GaugeMetricFamily(
                "passerby_released_end_timestamp_seconds", "Where its span ends.", labels=_CELL
            ),
        ]
        for row in latest:
            cell = (row.cell.camera, row.cell.line, row.cell.direction, row.cell.label)
            values = (float(row.value), row.noise_sd, row.coverage, row.end_ms / 1000)
            for family, value in zip(numbers, values, strict=True):
                family.add_metric(cell, value)
        return [up, *links, *numbers]


def registry_of(opened: OpenedStore) -> tuple[CollectorRegistry, Counter]:
    """What `/metrics` shows, and the counter of requests in it, by route and status."""
    registry = CollectorRegistry()
    registry.register(StoreCollector(opened))
    requests = Counter("passerby_api_requests", "Requests answered.", ("route", "status"), registry=registry)
    return registry, requests
