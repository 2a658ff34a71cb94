"""The public interface to private releases of recordings.

Invariant: nothing is computed here; exact counts do not pass through.
"""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from passerby.config import site as site_files
from passerby.config.site import Site
from passerby.domain.release import Release
from passerby.errors import InputError
from passerby.executors.processes import executor_of
from passerby.recordings.crossings_release import release_crossings, site_recording
from passerby.recordings.plan import Clock
from passerby.recordings.release import Published, count_privately, countings
from passerby.recordings.settings import Runtime


def load_site(path: str | Path) -> Site:
    """Read a site file. Raises SiteError with every mistake in it, a line each.

    >>> passerby.load_site("site.yaml").camera().name
    'street'
    """
    return site_files.load(Path(path))


def release(
    video: str | Path,
    site: Site,
    *,
    ledger: str | Path,
    camera: str | None = None,
    start: str | None = None,
    runtime: Runtime = Runtime(),
    on_release: Callable[[Release], None] = lambda release: None,
) -> Published:
    """Release the counts of one recording with noise, paid for from the budget of its site, or under the footage
    promise of its camera.

    `site`: from `load_site`; promise, lines, policies, detector and time zone are those of its `camera`, None for the
    only one. `ledger`: a file or database address, created where there is none. `start` (ISO 8601): when the recording
    began, where the file does not say. `runtime`: under the footage promise its jobs and model folder alone.
    `on_release` is called with each release. The same recording again gives the same numbers at no cost.

    Raises BudgetError when the budget allows no release, LedgerError for a ledger that cannot be trusted, PolicyError
    for a line without a policy, InputError where nothing says when the recording began; SourceError, ModelError.

    >>> site = passerby.load_site("site.yaml")
    >>> published = passerby.release("street.mp4", site, ledger="ledger.db", start="2026-06-01T08:00:00")
    >>> published.bins[0].cell.line
    'road'
    """
    try:
        from passerby.privacy.database import open_ledger
    except ImportError:
        raise InputError("passerby.release needs: pip install 'passerby[private]'") from None

    of_camera = site.camera(camera)
    if site.privacy is not None:
        recording = site_recording(
            Path(video),
            of_camera.name,
            of_camera.lines,
            policy=site.privacy,
            site=site.name,
            detector=of_camera.detector,
            runtime=runtime,
            clock=Clock(start, site.timezone),
        )
        with closing(open_ledger(str(ledger), None, create=True)) as opened:
            return release_crossings(recording, opened, on_release)
    lines, zone = countings(
        Path(video),
        of_camera.name,
        of_camera.lines,
        detector=of_camera.detector,
        model_dir=runtime.model_dir,
        start=start,
        timezone=site.timezone,
    )
    with closing(open_ledger(str(ledger), None, create=True)) as opened:
        return count_privately(lines, zone, opened, executor_of(runtime.jobs), on_release, runtime.jobs)
