"""Access control of the API: the key, its scope and the rate limit.

Invariant: addresses are kept in memory for the rate limit only, and are never written anywhere.
"""

import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from passerby.publish.api.keys import KeyRing, Scope
from passerby.publish.api.rate_limit import RateLimit
from passerby.publish.store.lazy_store import LazyStore

BEARER = HTTPBearer(
    auto_error=False, description="A key made by `passerby keys create`, in the header Authorization."
)


@dataclass(frozen=True, slots=True)
class Access:
    """The rules of one server. `public`: releases and metrics can also be read without a key, limited by address."""

    lazy_store: LazyStore
    public: bool
    address_limit: RateLimit
    key_limit: RateLimit
    ring: KeyRing


@dataclass(frozen=True, slots=True)
class RequiresScope:
    """A FastAPI dependency: refuses a request whose key does not have this scope. Raises HTTPException, StoreError."""

    scope: Scope

    def __call__(
        self, request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]
    ) -> None:
        access: Access = request.app.state.access
        address = request.client.host if request.client else "unknown"
        _check_rate(access.address_limit, address)
        if credentials is None:
            if access.public and "authorization" not in request.headers:
                return
            raise _unauthorised("expected a key: Authorization: Bearer passerby_...")
        database = access.lazy_store.store().database
        key = access.ring.valid_key(database, credentials.credentials, int(time.time() * 1000))
        if key is None:
            raise _unauthorised("the key is not valid")
        if self.scope not in key.scopes:
            raise HTTPException(403, f"the key does not have the scope {self.scope}")
        _check_rate(access.key_limit, key.id)


def _check_rate(limit: RateLimit, name: str) -> None:
    wait_s = limit.wait_s(name, time.monotonic())
    if wait_s:
        raise HTTPException(429, f"too many requests, try again in {wait_s} s", {"Retry-After": str(wait_s)})


def _unauthorised(detail: str) -> HTTPException:
    return HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})
