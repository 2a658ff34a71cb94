"""Open a recording: a file or a URL, to be decoded in software or by hardware.

Invariant: opens and closes; the contents of a picture decide nothing here.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import av
from av.codec.hwaccel import HWAccel, hwdevices_available

from passerby.errors import InputError, SourceError
from passerby.io.sources import Place, Url, UrlFile, reason

SOFTWARE = "software"
AUTO = "auto"
HARDWARE = ("cuda", "vaapi", "qsv")
"""In the order in which `auto` tries them."""


@contextmanager
def opened(place: Place, decode: str = SOFTWARE) -> Iterator[Any]:
    """The container of `place`, open within the block; `decode` is SOFTWARE or one of HARDWARE.

    Raises SourceError when it cannot be opened or cannot be decoded so, and at the end of the block where the
    connection to a URL broke; InputError for hardware that this machine does not have.
    """
    accelerated = None
    if decode != SOFTWARE:
        check(decode)
        accelerated = HWAccel(decode, allow_software_fallback=False)
    with ExitStack() as stack:
        source: Any = str(place)
        if isinstance(place, Url):
            source = UrlFile(place)
            stack.callback(source.close)
        try:
            container = stack.enter_context(av.open(source, hwaccel=accelerated))
        except RuntimeError:
            raise undecodable(place, decode) from None
        except (av.FFmpegError, OSError, ValueError) as error:
            if accelerated is None or isinstance(error, av.InvalidDataError | FileNotFoundError):
                raise unreadable(place, error) from None
            raise InputError(
                f"--decode {decode}: it does not start on this machine ({reason(error)}): a driver or a device "
                "is missing; use auto or software"
            ) from None
        yield container
        if isinstance(source, UrlFile) and source.problem is not None:
            raise SourceError(f"{place}: reading stopped early ({source.problem})")


def check(decode: str) -> None:
    """Raises InputError for an unknown way to decode, or one that this PyAV was built without."""
    if decode in (AUTO, SOFTWARE):
        return
    if decode not in HARDWARE:
        raise InputError(f"--decode {decode}: expected one of {', '.join((AUTO, SOFTWARE, *HARDWARE))}")
    built_in = hwdevices_available()
    if decode not in built_in:
        known = ", ".join(kind for kind in HARDWARE if kind in built_in) or "none of them"
        raise InputError(f"--decode {decode}: this PyAV was built without it (it has {known}); use software")


def unreadable(place: Place, error: Exception) -> SourceError:
    """The error for a place that cannot be opened or read as a video."""
    return SourceError(f"{place}: cannot be read as a video ({reason(error)})")


def undecodable(place: Place, decode: str) -> SourceError:
    """The error for a video that the hardware `decode` cannot decode."""
    return SourceError(f"{place}: {decode} cannot decode it, use --decode auto or software")
