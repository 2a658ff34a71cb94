"""How a recording is opened: from a file or a URL, to be decoded in software or by hardware.

Invariant: opens and closes; what a picture shows decides nothing here.
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

    Raises SourceError when it cannot be opened or not be decoded so, and at the end of the block where a URL broke
    off; InputError for hardware that is not here.
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
            raise beyond(place, decode) from None
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
    """Raises InputError for a way to decode that nobody knows, or that this PyAV was built without."""
    if decode in (AUTO, SOFTWARE):
        return
    if decode not in HARDWARE:
        raise InputError(f"--decode {decode}: expected one of {', '.join((AUTO, SOFTWARE, *HARDWARE))}")
    has = hwdevices_available()
    if decode not in has:
        known = ", ".join(one for one in HARDWARE if one in has) or "none of them"
        raise InputError(f"--decode {decode}: this PyAV was built without it (it has {known}); use software")


def unreadable(place: Place, error: Exception) -> SourceError:
    return SourceError(f"{place}: cannot be read as a video ({reason(error)})")


def beyond(place: Place, decode: str) -> SourceError:
    return SourceError(f"{place}: {decode} cannot decode it, use --decode auto or software")
