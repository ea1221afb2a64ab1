"""Lets requests in, or not: by their key, and by what their tenant has under way."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from inference_server.access.keys import KeyEntry, Keys, KeysFile, KeysVariable, entry_of
from inference_server.access.token_bucket import TokenBucket
from inference_server.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from inference_server.settings import Settings

#: The tenant of everybody, where no keys are asked for.
EVERYBODY = "everybody"

#: A request that is under way may end at any time.
CONCURRENCY_RETRY_SECONDS = 1


class UnknownKeyError(Exception):
    """No key, or one that nobody has."""


class TooManyRequestsError(Exception):
    """The tenant's limit; it may ask again in `retry_after_seconds`."""

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Admission(Protocol):
    """Who asks."""

    def admitted(self, authorization: str | None) -> AbstractContextManager[str]:
        """Gives the tenant, and counts the request as under way for as long as it is open.

        `authorization` is the header's value, decoded as latin-1. Raises UnknownKeyError,
        TooManyRequestsError.
        """


class OpenAdmission:
    """Whoever reaches the port may ask."""

    @contextmanager
    def admitted(self, authorization: str | None) -> Iterator[str]:  # noqa: ARG002
        yield EVERYBODY


@dataclass
class _Tenant:
    requests_per_minute: int | None = None
    bucket: TokenBucket | None = None
    under_way: int = 0


class KeyAdmission:
    """Who has one of the keys, within its tenant's limits."""

    def __init__(self, keys: Keys, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        self._clock = clock
        self._tenants: dict[str, _Tenant] = {}

    @contextmanager
    def admitted(self, authorization: str | None) -> Iterator[str]:
        entry = self._entry(authorization)
        tenant = self._tenants.setdefault(entry.tenant, _Tenant())
        # First what costs nothing: who has too much under way loses no token by asking.
        if entry.concurrency is not None and tenant.under_way >= entry.concurrency:
            raise TooManyRequestsError(
                f"{entry.concurrency} requests at once are allowed to {entry.tenant!r}, and are "
                "under way",
                CONCURRENCY_RETRY_SECONDS,
            )
        self._take_token(entry, tenant)
        tenant.under_way += 1
        try:
            yield entry.tenant
        finally:
            tenant.under_way -= 1

    def _entry(self, authorization: str | None) -> KeyEntry:
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise UnknownKeyError("an API key is wanted: Authorization: Bearer KEY")
        entry = entry_of(key.strip().encode("latin-1"), self._keys.entries())
        if entry is None:
            raise UnknownKeyError("the API key is not one of this server's")
        return entry

    def _take_token(self, entry: KeyEntry, tenant: _Tenant) -> None:
        now_seconds = self._clock()
        wanted = entry.requests_per_minute
        if wanted != tenant.requests_per_minute:
            if wanted is None:
                tenant.bucket = None
            elif tenant.bucket is None:
                tenant.bucket = TokenBucket(wanted, now_seconds)
            else:
                tenant.bucket.change(wanted, now_seconds)
            tenant.requests_per_minute = wanted
        wait_seconds = tenant.bucket.take(now_seconds) if tenant.bucket else 0.0
        if wait_seconds > 0:
            raise TooManyRequestsError(
                f"{wanted} requests a minute are allowed to {entry.tenant!r}",
                math.ceil(wait_seconds),
            )


def admission_of(settings: Settings) -> Admission:
    """As AUTH says. Raises UserError when the keys are missing or wrong."""
    if settings.auth == "off":
        return OpenAdmission()
    if settings.api_keys is not None:
        return KeyAdmission(KeysVariable(settings.api_keys.get_secret_value()))
    if settings.api_keys_file is not None:
        return KeyAdmission(KeysFile(settings.api_keys_file))
    raise UserError("API_KEYS, API_KEYS_FILE: are missing, and AUTH is keys")
