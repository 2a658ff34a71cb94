"""The rule that OpenAPI cannot express: a range ends after it begins. test_app.py tests such ranges."""

from typing import Any
from zoneinfo import ZoneInfo

import schemathesis
from tests.publish.conftest import ZONE

from passerby.errors import InputError
from passerby.publish.store.query import Query, time_of


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """True unless both ends of the range can be read and the range is refused."""
    query = case.query if isinstance(case.query, dict) else {}
    begin, end = query.get("from"), query.get("to")
    if not isinstance(begin, str) or not isinstance(end, str):
        return True
    zone = ZoneInfo(ZONE)
    try:
        Query(from_ms=time_of("from", begin, zone), to_ms=time_of("to", end, zone))
    except InputError as error:
        return not str(error).startswith("to is before from")
    return True
