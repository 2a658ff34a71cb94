"""Who may ask, and how often: a key with the scope of what is asked for, within its rate.

Invariant: an address is kept in memory for its rate alone and written nowhere.
"""

import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from passerby.publish.api.keys import KeyRing, Scope
from passerby.publish.api.rate_limit import RateLimit
from passerby.publish.store.lazy_store import OpenedStore

BEARER = HTTPBearer(
    auto_error=False, description="A key made by `passerby keys create`, in the header Authorization."
)


@dataclass(frozen=True, slots=True)
class Access:
    """`public`: releases and metrics are read without a key too, at the rate of an address."""

    opened: OpenedStore
    public: bool
    of_address: RateLimit
    of_key: RateLimit
    ring: KeyRing


@dataclass(frozen=True, slots=True)
class Needs:
    """A dependency of a route: lets in who has this scope."""

    scope: Scope

    def __call__(
        self, request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]
    ) -> None:
        access: Access = request.app.state.access
        address = request.client.host if request.client else "unknown"
        _within(access.of_address, address)
        if given is None:
            if access.public and "authorization" not in request.headers:
                return
            raise _unauthorised("expected a key: Authorization: Bearer passerby_...")
        key = access.ring.known(access.opened.store().database, given.credentials, int(time.time() * 1000))
        if key is None:
            raise _unauthorised("no valid key")
        if self.scope not in key.scopes:
            raise HTTPException(403, f"this key has not the scope {self.scope}")
        _within(access.of_key, key.id)


def _within(limit: RateLimit, name: str) -> None:
    wait_s = limit.wait_s(name, time.monotonic())
    if wait_s:
        raise HTTPException(429, f"too often, try again in {wait_s} s", {"Retry-After": str(wait_s)})


def _unauthorised(detail: str) -> HTTPException:
    return HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})
