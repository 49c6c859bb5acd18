"""One entry of the log and its one encoding."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from governance.canonical import JSON, canonical_bytes, decoded, decoded_if_plain
from governance.domain.evolving import made
from governance.errors import IntegrityError, UsageError
from governance.ledger.merkle import leaf_hash

ENTRY_FORMAT = "governance/entry/v1"
MAX_PAYLOAD_BYTES = 16 * 1024 * 1024
_KEYS = frozenset({"format", "sequence", "time", "event", "actor", "data"})
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_EVENT = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}", re.ASCII)
_MAX_ACTOR = 256
_MAX_INTEGER = 2**53 - 1


def timestamp(moment: datetime) -> str:
    """Return a moment as RFC 3339 UTC text with whole seconds.

    Args:
        moment: An aware datetime.

    Raises:
        UsageError: If the moment does not know its time zone.
    """
    if moment.tzinfo is None:
        message = "a time without a zone is ambiguous: expected an aware datetime"
        raise UsageError(message)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def check_time(text: str) -> str:
    """Return ``text`` if it is a time as entries write it.

    Raises:
        UsageError: If it is anything else; one moment has one spelling.
    """
    if _TIME.fullmatch(text):
        try:
            datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            return text
    message = f"time: expected YYYY-MM-DDTHH:MM:SSZ, found {text[:40]!r}"
    raise UsageError(message)


def _number(text: str) -> int | float:
    """Read digits as RFC 8785 wrote them: beyond 2^53 they were a float's."""
    value = int(text)
    return value if abs(value) <= _MAX_INTEGER else float(text)


def _refuse(text: str) -> JSON:
    """Refuse NaN and infinities, which are no JSON."""
    message = f"{text} is no JSON"
    raise ValueError(message)


_DECODER = json.JSONDecoder(parse_int=_number, parse_constant=_refuse)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened, as the log keeps it.

    Args:
        sequence: Position in the log; the genesis entry is 1.
        time: RFC 3339 UTC, by the local clock.
        event: Name of what happened, past tense.
        actor: Who did it; a name somebody gave, proven only by signatures in ``data``.
        data: JSON of the event.

    Raises:
        UsageError: If a field could not be read back as written.
    """

    sequence: int
    time: str
    event: str
    actor: str
    data: Mapping[str, JSON]

    def __post_init__(self) -> None:
        """Refuse what could not be read back as written."""
        if self.sequence < 1:
            message = f"sequence: expected 1 or more, found {self.sequence}"
            raise UsageError(message)
        check_time(self.time)
        if not _EVENT.fullmatch(self.event):
            message = f"event: expected a plain name, found {self.event[:64]!r}"
            raise UsageError(message)
        if not 0 < len(self.actor) <= _MAX_ACTOR:
            message = (
                f"actor: expected 1 to {_MAX_ACTOR} characters, found {len(self.actor)}"
            )
            raise UsageError(message)

    def document(self) -> dict[str, JSON]:
        """Return the payload as JSON."""
        return {
            "format": ENTRY_FORMAT,
            "sequence": self.sequence,
            "time": self.time,
            "event": self.event,
            "actor": self.actor,
            "data": dict(self.data),
        }

    @property
    def payload(self) -> bytes:
        """The canonical bytes that are stored and hashed.

        Raises:
            UsageError: If the data is no canonical JSON or too large.
        """
        try:
            payload = canonical_bytes(self.document())
        except (ValueError, TypeError, RecursionError) as error:
            message = f"the data of {self.event} is no canonical JSON: {error}"
            raise UsageError(message) from error
        if len(payload) > MAX_PAYLOAD_BYTES:
            message = (
                f"the data of {self.event} is too large: expected at most "
                f"{MAX_PAYLOAD_BYTES} bytes, found {len(payload)}"
            )
            raise UsageError(message, "Store it as an object and name its digest.")
        return payload

    @property
    def digest(self) -> str:
        """The leaf hash of the payload as hex."""
        return leaf_hash(self.payload).hex()


def parse_entry(payload: bytes) -> Entry:
    """Read an entry back from its payload.

    Args:
        payload: Bytes as stored.

    Raises:
        IntegrityError: If these are not exactly the bytes an entry is written as.
    """
    return _parsed(payload)[0]


def read_entry(payload: bytes) -> Entry:
    """Read an entry whose form somebody else checks, by :func:`checked_entry`.

    Args:
        payload: Bytes as stored.

    Raises:
        IntegrityError: If they are no entry.
    """
    _refuse_large(payload)
    try:
        found = _fields(decoded(payload))
    except ValueError as error:
        message = "the payload is no JSON"
        raise IntegrityError(message) from error
    try:
        return made(Entry, _typed(found))
    except UsageError as error:
        message = f"the payload is no ledger entry: {error.message}"
        raise IntegrityError(message) from error


def checked_entry(payload: bytes) -> Entry:
    """Read an entry that somebody else has read by :func:`read_entry`.

    Args:
        payload: Bytes as stored.

    Raises:
        IntegrityError: If these are not exactly the bytes an entry is written as, or
            were read otherwise there.
    """
    entry, plain = _parsed(payload)
    # What is plain was decoded in the same way there.
    if not plain and read_entry(payload) != entry:
        message = "the payload can be read in two ways"
        raise IntegrityError(message)
    return entry


def _parsed(payload: bytes) -> tuple[Entry, bool]:
    """Return an entry, and whether its payload is plain."""
    _refuse_large(payload)
    plain = decoded_if_plain(payload)
    found = _fields(_decoded(payload) if plain is None else plain)
    try:
        entry = Entry(*_typed(found))
        same = plain is not None or entry.payload == payload
    except UsageError as error:
        message = f"the payload is no ledger entry: {error.message}"
        raise IntegrityError(message) from error
    if not same:
        message = "the payload is not in canonical form"
        raise IntegrityError(message)
    return entry, plain is not None


def _refuse_large(payload: bytes) -> None:
    if len(payload) > MAX_PAYLOAD_BYTES:
        message = f"the payload is larger than an entry's {MAX_PAYLOAD_BYTES} bytes"
        raise IntegrityError(message)


def _decoded(payload: bytes) -> JSON:
    try:
        found: JSON = _DECODER.decode(payload.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        message = "the payload is no JSON"
        raise IntegrityError(message) from error
    return found


def _fields(found: JSON) -> Mapping[str, JSON]:
    """Return a payload's JSON if it has the keys of an entry."""
    if type(found) is not dict or found.keys() != _KEYS:
        message = "the payload is no ledger entry: its keys differ"
        raise IntegrityError(message)
    if found["format"] != ENTRY_FORMAT:
        message = f"the payload's format is not {ENTRY_FORMAT}"
        raise IntegrityError(message)
    return found


def _typed(
    found: Mapping[str, JSON],
) -> tuple[int, str, str, str, Mapping[str, JSON]]:
    """Return the values of an entry's fields, each of its type."""
    sequence, data = found["sequence"], found["data"]
    time, event, actor = found["time"], found["event"], found["actor"]
    if (
        type(sequence) is int
        and type(data) is dict
        and type(time) is type(event) is type(actor) is str
    ):
        return sequence, time, event, actor, data
    message = "a field has another type than entries have"
    raise UsageError(message)
