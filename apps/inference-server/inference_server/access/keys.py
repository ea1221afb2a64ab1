"""API keys, of a variable or of a file: what stands there, and how a file is read again."""

from __future__ import annotations

import hashlib
import hmac
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from inference_server.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails

LOG = logging.getLogger(__name__)

#: Fields whose wrong value is repeated. Any other may be a key, or hold one.
SHOWN_FIELDS = frozenset({"requestsPerMinute", "concurrency"})

#: Nor is a field's name that is longer: it may be a digest.
LONGEST_NAME = 32


def _digest(text: str) -> str:
    if len(text) != hashlib.sha256().digest_size * 2 or set(text.lower()) - set("0123456789abcdef"):
        raise ValueError("64 hexadecimal digits are wanted, the SHA-256 of the key")
    return text.lower()


class KeyEntry(BaseModel):
    """One key. A tenant may have several, e.g. an old and a new one; its limits are one."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    tenant: Annotated[str, Field(min_length=1, max_length=128)]
    #: Of the key's UTF-8 bytes, in hex. The key itself stands nowhere.
    sha256: Annotated[str, AfterValidator(_digest)]
    #: None: as many as there is room for.
    requests_per_minute: Annotated[
        int | None, Field(alias="requestsPerMinute", ge=1, le=1_000_000)
    ] = None
    #: Requests under way at once. None: as many as there is room for.
    concurrency: Annotated[int | None, Field(ge=1, le=100_000)] = None


ENTRIES: TypeAdapter[list[KeyEntry]] = TypeAdapter(
    Annotated[list[KeyEntry], Field(max_length=10_000)]
)


def parse_keys(text: bytes, source: str) -> tuple[KeyEntry, ...]:
    """Of JSON. Raises UserError that names its source, and each index and field, and no digest.

    A list without keys is logged: nobody is admitted then.
    """
    try:
        entries = ENTRIES.validate_json(text)
    except ValidationError as error:
        raise _wrong(source, [_problem(each) for each in error.errors()]) from None
    problems = []
    first: dict[str, int] = {}
    for index, entry in enumerate(entries):
        before = entries[first.setdefault(entry.tenant, index)]
        for field in ("requests_per_minute", "concurrency"):
            if getattr(entry, field) != getattr(before, field):
                key = KeyEntry.model_fields[field].alias or field
                problems.append(
                    f"[{index}].{key}: {getattr(entry, field)!r} is wrong: tenant "
                    f"{entry.tenant!r} has {getattr(before, field)!r} in "
                    f"[{first[entry.tenant]}]; the limits of a tenant are the same in all"
                )
    owners: dict[str, int] = {}
    for index, entry in enumerate(entries):
        if owners.setdefault(entry.sha256, index) != index:
            problems.append(f"[{index}].sha256: is in [{owners[entry.sha256]}] already")
    if problems:
        raise _wrong(source, problems)
    if not entries:
        LOG.warning("%s: holds no key: nobody is admitted", source)
    return tuple(entries)


def _wrong(source: str, problems: Sequence[str]) -> UserError:
    return UserError(f"{source}:\n  " + "\n  ".join(problems))


def _problem(error: ErrorDetails) -> str:
    loc = error["loc"]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{_name(part)}" for part in loc)
    where = where or "the list"
    if error["type"] == "missing":
        return f"{where}: is missing"
    if error["type"] == "extra_forbidden":
        known = (field.alias or name for name, field in KeyEntry.model_fields.items())
        return f"{where}: is not known; {', '.join(known)} are"
    message = str(error.get("ctx", {}).get("error") or error["msg"])
    if not SHOWN_FIELDS.intersection(loc) or isinstance(error["input"], (list, dict)):
        return f"{where}: is wrong: {message}"
    return f"{where}: {error['input']!r} is wrong: {message}"


def _name(field: str) -> str:
    return field if len(field) <= LONGEST_NAME else "…"


def entry_of(key: bytes, entries: Sequence[KeyEntry]) -> KeyEntry | None:
    """The one whose key this is. Takes as long for a wrong key as for a right one."""
    digest = hashlib.sha256(key).hexdigest()
    found = None
    for entry in entries:
        if hmac.compare_digest(entry.sha256, digest):
            found = entry
    return found


class Keys(Protocol):
    """Where keys are from."""

    def entries(self) -> Sequence[KeyEntry]:
        """Those of now."""


class KeysVariable:
    """The variable API_KEYS: keys that stay as long as the process. A change of it starts others.

    `[]` is taken: a server that did not start for it would leave its predecessor's keys in force.
    """

    def __init__(self, text: str) -> None:
        """Raises UserError when it is wrong."""
        # What is not UTF-8 comes as surrogates; as bytes again, it is found not to be JSON.
        self._entries = parse_keys(text.encode(errors="surrogateescape"), "API_KEYS")

    def entries(self) -> Sequence[KeyEntry]:
        return self._entries


@dataclass(frozen=True)
class _Stamp:
    """What changes with a file. A Secret's mount is rotated by another link: another inode."""

    modified_nanoseconds: int
    inode: int
    size_bytes: int


class KeysFile:
    """A file of keys, as it was when it was last right.

    `[]` in it revokes all keys: nobody is admitted then, by a server that starts with it neither.
    A file that is away does not: while a Secret's mount is swapped there may be none for a moment.
    Nor does one that is wrong.
    """

    def __init__(self, path: Path) -> None:
        """Raises UserError when it cannot be read, or is wrong."""
        self._path = path
        try:
            self._stamp: _Stamp | None = self._look()
            self._entries = self._read()
        except OSError as error:
            raise UserError(f"API_KEYS_FILE {path}: cannot be read: {error.strerror}") from None

    def entries(self) -> Sequence[KeyEntry]:
        """Of now. Asks the file system each time, and reads again when something has changed.

        What is wrong by then is logged once, and what was right before stays.
        """
        try:
            stamp = self._look()
            if stamp == self._stamp:
                return self._entries
            self._stamp = stamp
            self._entries = self._read()
        except OSError as error:
            if self._stamp is not None:
                LOG.error(  # noqa: TRY400
                    "%s cannot be read: the keys of before stay; [] in it would revoke them: %s",
                    self._path,
                    error,
                )
            self._stamp = None
        except UserError as error:
            LOG.error("the keys of before stay: %s", error)  # noqa: TRY400
        else:
            LOG.info("the API keys have been read again", extra={"keys": len(self._entries)})
        return self._entries

    def _read(self) -> tuple[KeyEntry, ...]:
        return parse_keys(self._path.read_bytes(), f"API_KEYS_FILE {self._path}")

    def _look(self) -> _Stamp:
        found = self._path.stat()
        return _Stamp(found.st_mtime_ns, found.st_ino, found.st_size)
