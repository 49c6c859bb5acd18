"""A manifest read back from an export that nobody vouches for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from governance.canonical import JSON
from governance.domain.signoff import Head
from governance.domain.snapshot import Snapshot
from governance.errors import IntegrityError
from governance.pipeline.folder import FileRecord
from governance.snapshots import shapes_of
from governance.snapshots.compose import snapshot_of
from governance.snapshots.forms import Form, form_from
from governance.snapshots.names import MANIFEST, MODEL_SIGNATURE, is_plain
from governance.snapshots.reading import (
    DOCUMENT_LIMIT,
    MANIFEST_LIMIT,
    MANIFEST_MARKS_LIMIT,
    digest_or_none,
    parse_json,
    read_limited,
)
from governance.snapshots.record import MANIFEST_FORMAT

LIMIT = DOCUMENT_LIMIT
_OUTSIDE = (MANIFEST, MODEL_SIGNATURE)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an export says of itself.

    Args:
        files: Path to what the file should be.
        snapshot: The snapshot's document.
        digest: The digest it is said to have.
        base_files: Path to what the file was in the base model.
        left_out: What is said to stay behind in the base folder, and why.
        policy: Policy digest.
        policy_name: What the policy is called, as the manifest says.
        policy_version: Its version, as the manifest says.
        origin: Ledger origin.
        head: Ledger head.
        family: Architecture of the base.
        model: Name the base was registered under.
        source: Repository id and revision of the base, where it came from a hub.
        signoffs: Path of each statement to what is said of it.
        form: Which form the snapshot took.
        pages: How its card and its report were written.
    """

    files: Mapping[str, FileRecord]
    snapshot: Snapshot
    digest: str
    base_files: Mapping[str, FileRecord]
    left_out: Mapping[str, str]
    policy: str
    policy_name: str
    policy_version: int
    origin: str
    head: Head
    family: str
    model: str
    source: str | None
    signoffs: Mapping[str, Mapping[str, JSON]]
    form: Form
    pages: int


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of an export.

    Args:
        folder: The export.

    Raises:
        IntegrityError: If it cannot be read, or says what no export would.
    """
    data = read_limited(folder / MANIFEST, MANIFEST, MANIFEST_LIMIT)
    parsed = parse_json(data, MANIFEST, MANIFEST_MARKS_LIMIT)
    try:
        shapes_of.MANIFEST(parsed, "")
    except IntegrityError as error:
        raise _malformed(error.message) from error
    top = dict(_object(parsed, "the manifest"))
    claimed = top.pop("digest", None)
    if digest_or_none(top) != claimed:
        raise _malformed("its digest is not that of its content")
    if top.get("format") != MANIFEST_FORMAT:
        raise _malformed(f"expected format {MANIFEST_FORMAT}")
    described = dict(_object(top.get("snapshot"), "snapshot"))
    digest = _digest(described.pop("digest", None), "snapshot.digest")
    base = _object(top.get("base"), "base")
    ledger = _object(top.get("ledger"), "ledger")
    policy = _object(top.get("policy"), "policy")
    snapshot = snapshot_of(described)
    if base.get("digest") != snapshot.base:
        raise _malformed("its base is not the snapshot's")
    return Manifest(
        files=_files(top.get("files"), "files"),
        snapshot=snapshot,
        digest=digest,
        base_files=_files(base.get("files"), "base.files"),
        left_out=_left_out(top.get("left_out")),
        policy=_digest(policy.get("digest"), "policy.digest"),
        policy_name=_text(policy.get("name"), "policy.name"),
        policy_version=_count(policy.get("version"), "policy.version"),
        origin=_text(ledger.get("origin"), "ledger.origin"),
        head=_head(_object(ledger.get("head"), "ledger.head")),
        family=_text(base.get("family"), "base.family"),
        model=_text(base.get("model"), "base.model"),
        source=_optional(base.get("source"), "base.source"),
        signoffs=_signoffs(top.get("signoffs")),
        form=_form(top, digest),
        pages=_count(top.get("pages"), "pages"),
    )


def _form(top: Mapping[str, JSON], digest: str) -> Form:
    if "derived" not in top:
        if top.get("kind") != "diffusers":
            raise _malformed("it does not say what its files were derived from")
        return Form()
    derived = _object(top["derived"], "derived")
    form = form_from({key: derived.get(key) for key in Form().document()})
    if form is None or not form.derived or form.kind != top.get("kind"):
        raise _malformed("derived names no form an export can have")
    if derived.get("from") != digest:
        raise _malformed("its files were derived from another snapshot")
    return form


def _files(value: JSON, place: str) -> dict[str, FileRecord]:
    found: dict[str, FileRecord] = {}
    for item in _list(value, place):
        entry = _object(item, place)
        path = _text(entry.get("path"), f"{place}.path")
        if not is_plain(path) or path in _OUTSIDE or path in found:
            raise _malformed(f"{place} names {path[:80]!r}, or names it twice")
        size = _count(entry.get("size"), f"{place}.size")
        digest = _digest(entry.get("sha256"), f"{place}.sha256")
        found[path] = FileRecord(path, size, digest)
    return found


def _left_out(value: JSON) -> dict[str, str]:
    listed = [_object(item, "left_out") for item in _list(value, "left_out")]
    found = {
        _text(item.get("path"), "left_out.path"): str(item.get("reason"))
        for item in listed
    }
    if len(found) != len(listed):
        raise _malformed("left_out names a path twice")
    return found


def _signoffs(value: JSON) -> dict[str, Mapping[str, JSON]]:
    listed = [_object(item, "signoffs") for item in _list(value, "signoffs")]
    found = {_text(item.get("file"), "signoffs.file"): item for item in listed}
    if len(found) != len(listed):
        raise _malformed("signoffs names a file twice")
    return found


def _head(value: Mapping[str, JSON]) -> Head:
    size = _count(value.get("size"), "ledger.head.size")
    return Head(size, _digest(value.get("root"), "ledger.head.root"))


def _object(value: JSON, place: str) -> Mapping[str, JSON]:
    if not isinstance(value, Mapping):
        raise _malformed(f"{place} is no object")
    return value


def _list(value: JSON, place: str) -> list[JSON]:
    if not isinstance(value, list):
        raise _malformed(f"{place} is no list")
    return value


def _text(value: JSON, place: str) -> str:
    if not isinstance(value, str):
        raise _malformed(f"{place} is no text")
    return value


def _optional(value: JSON, place: str) -> str | None:
    return None if value is None else _text(value, place)


def _count(value: JSON, place: str) -> int:
    if type(value) is not int or value < 0:
        raise _malformed(f"{place} is no count")
    return value


def _digest(value: JSON, place: str) -> str:
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise _malformed(f"{place} is no digest")
    return value


def _malformed(reason: str) -> IntegrityError:
    return IntegrityError(f"{MANIFEST} is malformed: {reason}")
