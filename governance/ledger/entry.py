"""One entry of the log and its one encoding."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from governance.canonical import JSON, canonical_bytes
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
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False
)
# A number with an exponent or a whole fraction, as it stands in compact JSON.
_ODD_NUMBER = re.compile(rb"[:,\[]-?[0-9]+(?:\.[0-9]+[eE]|[eE]|\.0[,\]}])")


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
    found, entry = _read(payload)
    try:
        same = _plainly_canonical(found, payload) or entry.payload == payload
    except UsageError as error:
        message = f"the payload is no ledger entry: {error.message}"
        raise IntegrityError(message) from error
    if not same:
        message = "the payload is not in canonical form"
        raise IntegrityError(message)
    return entry


def read_entry(payload: bytes) -> Entry:
    """Read an entry whose form somebody else checks, by :func:`parse_entry`.

    Args:
        payload: Bytes as stored.

    Raises:
        IntegrityError: If they are no entry.
    """
    return _read(payload)[1]


def _read(payload: bytes) -> tuple[dict[str, JSON], Entry]:
    """Return a payload's JSON, and the entry it says."""
    try:
        found = _DECODER.decode(payload.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        message = "the payload is no JSON"
        raise IntegrityError(message) from error
    if not isinstance(found, dict) or set(found) != _KEYS:
        message = "the payload is no ledger entry: its keys differ"
        raise IntegrityError(message)
    if found["format"] != ENTRY_FORMAT:
        message = f"the payload's format is not {ENTRY_FORMAT}"
        raise IntegrityError(message)
    try:
        return found, _entry_of(found)
    except UsageError as error:
        message = f"the payload is no ledger entry: {error.message}"
        raise IntegrityError(message) from error


def _entry_of(found: Mapping[str, JSON]) -> Entry:
    """Build an entry from decoded JSON, checking every type."""
    sequence, data = found["sequence"], found["data"]
    texts = [found[key] for key in ("time", "event", "actor")]
    if (
        type(sequence) is not int
        or not isinstance(data, dict)
        or not all(isinstance(text, str) for text in texts)
    ):
        message = "a field has another type than entries have"
        raise UsageError(message)
    time, event, actor = (str(text) for text in texts)
    return Entry(sequence, time, event, actor, data)


def _plainly_canonical(found: JSON, payload: bytes) -> bool:
    """Say whether a payload is canonical in a way the standard library can tell.

    Its encoder differs from RFC 8785 in exponents, in floats that are whole and in
    the order of keys beyond ASCII, so only payloads without any are judged here; that
    is most of them, and four times as fast.
    """
    return (
        payload.isascii()
        and _ODD_NUMBER.search(payload) is None
        and _ENCODER.encode(found) == payload.decode("ascii")
    )
