"""Documents in the object store, read back as what they are."""

import json
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

from governance.canonical import JSON, canonical_bytes
from governance.documents.request import request_from_document
from governance.documents.suite import Suite, suite_from_document
from governance.domain.request import EditRequest
from governance.domain.snapshot import SNAPSHOT_FORMAT, Snapshot
from governance.domain.state import EditRecord
from governance.errors import IntegrityError, RequestError
from governance.ledger.hashed_once import HashedOnce
from governance.ledger.store import ObjectStore
from governance.policy.files import policy_from_document
from governance.policy.model import Policy
from governance.service.fields import table, texts

_HINT = "Run `governance ledger verify`."
Made = TypeVar("Made")


def once(store: ObjectStore, key: Hashable, make: Callable[[], Made]) -> Made:
    """Make something of stored objects; in an audit, which sees it often, once."""
    return store.once(key, make) if isinstance(store, HashedOnce) else make()


def put_document(store: ObjectStore, document: Mapping[str, JSON]) -> str:
    """Store a document's canonical bytes under their own digest."""
    return store.put_bytes(canonical_bytes(document))


def stored_document(store: ObjectStore, digest: str) -> Mapping[str, JSON]:
    """Read a JSON document back, re-hashed.

    Args:
        store: The objects.
        digest: Which one.

    Raises:
        NotFoundError: It is not there.
        IntegrityError: Its bytes are not what the digest says, or no document.
    """
    try:
        found = json.loads(store.get(digest))
    except ValueError as error:
        raise IntegrityError(f"object {digest[:12]} is no JSON", _HINT) from error
    if not isinstance(found, dict):
        raise IntegrityError(f"object {digest[:12]} is no JSON document", _HINT)
    return found


def stored_policy(store: ObjectStore, digest: str) -> Policy:
    """Read a policy and its suite back.

    Raises:
        IntegrityError: What is stored is no policy.
    """
    return once(store, ("policy", digest), lambda: _policy(store, digest))


def _policy(store: ObjectStore, digest: str) -> Policy:
    try:
        return policy_from_document(stored_document(store, digest), store.get)
    except RequestError as error:
        message = f"policy {digest[:12]} cannot be read back: {error.message}"
        raise IntegrityError(message, _HINT) from error


def stored_suite(store: ObjectStore, digest: str) -> Suite:
    """Read a suite back.

    Raises:
        IntegrityError: What is stored is no suite.
    """
    return once(store, ("suite", digest), lambda: _suite(store, digest))


def _suite(store: ObjectStore, digest: str) -> Suite:
    try:
        return suite_from_document(stored_document(store, digest))
    except RequestError as error:
        message = f"suite {digest[:12]} cannot be read back: {error.message}"
        raise IntegrityError(message, _HINT) from error


def stored_snapshot(store: ObjectStore, digest: str) -> Snapshot:
    """Read a snapshot's document back.

    Args:
        store: The objects.
        digest: Snapshot digest.

    Raises:
        NotFoundError: It is not there.
        IntegrityError: It is not what its digest says.
    """
    document = stored_document(store, digest)
    if document.get("format") != SNAPSHOT_FORMAT:
        raise IntegrityError(f"object {digest[:12]} is no snapshot", _HINT)
    snapshot = Snapshot(
        base=str(document["base"]),
        edits=texts(document, "edits"),
        tensors={
            name: str(value) for name, value in table(document, "tensors").items()
        },
    )
    if snapshot.digest != digest:
        raise IntegrityError(
            f"snapshot {digest[:12]}: expected {digest}, found {snapshot.digest}",
            _HINT,
        )
    return snapshot


def check_snapshot(
    store: ObjectStore, digest: str, missing: set[str] | None = None
) -> Snapshot:
    """Re-hash a snapshot: its document and every tensor it names.

    Args:
        store: The objects.
        digest: Snapshot digest.
        missing: Takes tensors that are not there, for a caller who knows which were
            given back.

    Raises:
        NotFoundError: Something of it is missing.
        IntegrityError: Something of it changed.
    """
    snapshot, absent = once(store, ("snapshot", digest), lambda: _hashed(store, digest))
    if missing is not None:
        missing.update(absent)
    elif absent:
        store.open(absent[0]).close()
    return snapshot


def _hashed(store: ObjectStore, digest: str) -> tuple[Snapshot, tuple[str, ...]]:
    """Return a snapshot whose tensors were hashed, and those that are not there."""
    snapshot = stored_snapshot(store, digest)
    absent = []
    for name, tensor in sorted(snapshot.tensors.items()):
        if not store.has(tensor):
            absent.append(tensor)
            continue
        try:
            store.open(tensor).close()
        except IntegrityError as error:
            message = f"snapshot {digest[:12]}, tensor {name}: {error.message}"
            raise IntegrityError(message, error.hint) from error
    return snapshot, tuple(absent)


def request_of(store: ObjectStore, record: EditRecord) -> EditRequest:
    """Rebuild an edit's request from the ledger and the object store.

    Raises:
        IntegrityError: The recorded request is not the one its digest names.
    """
    # An entry has one content, so in one audit its sequence names it.
    key = ("request", record.id, record.sequence, record.digest)
    return once(
        store,
        key,
        lambda: recorded_request(store, record.id, record.digest, record.request),
    )


def recorded_request(
    store: ObjectStore, edit: str, digest: str, document: Mapping[str, JSON]
) -> EditRequest:
    """Rebuild a request from what an entry says.

    Args:
        store: The objects.
        edit: Edit id, for messages.
        digest: Which request it should be.
        document: The request as recorded.

    Raises:
        IntegrityError: It is another.
    """
    try:
        request = request_from_document(document, store.get)
    except RequestError as error:
        message = f"{edit}: the recorded request cannot be read: {error.message}"
        raise IntegrityError(message, _HINT) from error
    if request.digest != digest:
        raise IntegrityError(
            f"{edit}: expected request {digest}, found {request.digest}", _HINT
        )
    return request
