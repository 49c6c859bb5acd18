"""Is what an export cites of a ledger in that ledger: hashes, proofs, checkpoint."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from governance.canonical import JSON
from governance.domain.signoff import Head
from governance.errors import IntegrityError, UsageError
from governance.ledger.checkpoint import open_checkpoint
from governance.ledger.entry import Entry, parse_entry
from governance.ledger.merkle import leaf_hash, root_of
from governance.ledger.note import NoteKey, parse_note_key
from governance.ledger.proofs import verify_consistency, verify_inclusion
from governance.snapshots import shapes_of
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.manifest import Manifest
from governance.snapshots.proofs import (
    CHECKPOINT,
    LEDGER_KEY,
    PROOFS,
    PROOFS_FORMAT,
    pem,
)
from governance.snapshots.reading import read_document, read_limited

_NOTE_LIMIT = 65_536
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ProvenLog:
    """What an export cites of its ledger, each entry proven to be in it.

    Args:
        key: The key the first entry names, which signed the checkpoint.
        head: The checkpoint's head.
        entries: The cited entries, in their order; the first is the ledger's first.
        heads: Earlier heads the checkpoint is proven to continue.
        leaves: Leaf hash of every entry; none where they are not exported.
    """

    key: NoteKey
    head: Head
    entries: tuple[Entry, ...]
    heads: frozenset[Head]
    leaves: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Cited:
    """One entry as ``proofs.json`` has it."""

    entry: Entry
    leaf: bytes
    proof: tuple[bytes, ...]


def read_log(
    folder: Path, manifest: Manifest, intact: frozenset[str]
) -> tuple[ProvenLog | None, tuple[ExportFinding, ...]]:
    """Hash every cited entry again and prove it by the signed checkpoint.

    Args:
        folder: The export.
        manifest: What it says of itself.
        intact: Files whose bytes are as the manifest says.

    Returns:
        What is proven, ``None`` unless all of it is, and what is wrong.
    """
    paths = (CHECKPOINT, LEDGER_KEY, PROOFS)
    missing = [path for path in paths if path not in manifest.files]
    if missing:
        lacking = (finding(path, "missing", "every export has it") for path in missing)
        return None, tuple(lacking)
    if not intact.issuperset(paths):
        return None, ()
    try:
        document = _document(folder)
        cited = tuple(_cited(item) for item in _list(document, "entries"))
        key = _key_named(cited)
    except IntegrityError as error:
        return None, (finding(PROOFS, "proof", error.message),)
    return _proven(folder, manifest, document, cited, key)


def _proven(
    folder: Path,
    manifest: Manifest,
    document: Mapping[str, JSON],
    cited: tuple[_Cited, ...],
    key: NoteKey,
) -> tuple[ProvenLog | None, tuple[ExportFinding, ...]]:
    findings = list(_verify_key(folder, key))
    try:
        head = _checkpoint(folder, key)
    except IntegrityError as error:
        findings.append(finding(CHECKPOINT, "signature", error.message))
        return None, tuple(findings)
    if (key.name, head) != (manifest.origin, manifest.head):
        message = "it is not of the ledger, or the head, that the manifest names"
        findings.append(finding(CHECKPOINT, "proof", message))
    findings += _verify_entries(cited, head)
    findings += _verify_said(document, key.name, head)
    try:
        leaves = tuple(_hash(item) for item in _list(document, "leaves"))
        heads = tuple(_heads(document, head))
    except IntegrityError as error:
        findings.append(finding(PROOFS, "proof", error.message))
        return None, tuple(findings)
    findings += _verify_leaves(leaves, cited, head)
    entries = tuple(item.entry for item in cited)
    findings += _verify_heads(entries, frozenset(heads))
    log = ProvenLog(key, head, entries, frozenset(heads), leaves)
    return (None if findings else log), tuple(findings)


def _document(folder: Path) -> Mapping[str, JSON]:
    document = read_document(folder, PROOFS)
    try:
        shapes_of.PROOFS(document, "")
    except IntegrityError as error:
        raise IntegrityError(f"{PROOFS} is malformed: {error.message}") from error
    if document["format"] != PROOFS_FORMAT:
        raise IntegrityError(f"{PROOFS} is malformed: expected {PROOFS_FORMAT}")
    return document


def _cited(item: JSON) -> _Cited:
    match item:
        case {
            "sequence": sequence,
            "event": event,
            "hash": digest,
            "payload": str(text),
            "proof": list(p),
        }:
            proof = tuple(map(_hash, p))
        case _:
            raise IntegrityError("an entry lacks a field")
    try:
        payload = text.encode()
    except UnicodeEncodeError as error:
        raise IntegrityError("an entry's payload is no UTF-8") from error
    entry, leaf = parse_entry(payload), leaf_hash(payload)
    said = (sequence, event, _hash(digest))
    if said != (entry.sequence, entry.event, leaf):
        raise IntegrityError(f"entry {entry.sequence}: its payload is another")
    return _Cited(entry, leaf, proof)


def _key_named(cited: Sequence[_Cited]) -> NoteKey:
    numbers = [item.entry.sequence for item in cited]
    if numbers[:1] != [1] or cited[0].entry.event != "WorkspaceCreated":
        raise IntegrityError("the first entry of the ledger is not cited")
    if numbers != sorted(set(numbers)):
        raise IntegrityError("the entries are not in their order, or stand twice")
    genesis = cited[0].entry.data
    try:
        key = parse_note_key(str(genesis.get("ledger_key")))
    except UsageError as error:
        raise IntegrityError(f"entry 1: {error.message}") from error
    if key.name != genesis.get("origin"):
        raise IntegrityError("entry 1 names a key of another ledger")
    return key


def _verify_key(folder: Path, key: NoteKey) -> Iterator[ExportFinding]:
    try:
        found = read_limited(folder / LEDGER_KEY, LEDGER_KEY, _NOTE_LIMIT)
    except IntegrityError as error:
        yield finding(LEDGER_KEY, "signature", error.message)
        return
    if found != pem(key):
        message = "it is not the key that the ledger's first entry names"
        yield finding(LEDGER_KEY, "signature", message)


def _checkpoint(folder: Path, key: NoteKey) -> Head:
    note = read_limited(folder / CHECKPOINT, CHECKPOINT, _NOTE_LIMIT)
    try:
        text = note.decode()
    except UnicodeDecodeError as error:
        raise IntegrityError(f"{CHECKPOINT} is no UTF-8") from error
    head = open_checkpoint(text, key)
    # Others may sign a note too, but nobody here could tell who they are.
    if text.rpartition("\n\n")[2].count("\n") != 1:
        raise IntegrityError("it holds signatures beside the ledger's own")
    return head


def _verify_entries(cited: Sequence[_Cited], head: Head) -> Iterator[ExportFinding]:
    root = bytes.fromhex(head.root)
    for item in cited:
        index = item.entry.sequence - 1
        if not verify_inclusion(index, head.size, item.leaf, item.proof, root):
            message = f"entry {index + 1} is not proven to be in the ledger"
            yield finding(PROOFS, "proof", message)


def _verify_said(
    document: Mapping[str, JSON], origin: str, head: Head
) -> Iterator[ExportFinding]:
    said = (document.get("origin"), document.get("size"), document.get("root"))
    if said != (origin, head.size, head.root):
        yield finding(PROOFS, "proof", "its head is not the checkpoint's")


def _heads(document: Mapping[str, JSON], head: Head) -> Iterator[Head]:
    """Yield every head that the checkpoint is proven to continue.

    Raises:
        IntegrityError: If one is not.
    """
    for item in _list(document, "heads"):
        match item:
            case {"size": int(size), "root": root, "proof": list(proof)}:
                ends = bytes.fromhex(head.root)
                nodes, start = tuple(map(_hash, proof)), _hash(root)
            case _:
                raise IntegrityError("a head lacks a field")
        if not verify_consistency(size, head.size, start, ends, nodes):
            raise IntegrityError(
                f"the checkpoint is not proven to continue the head of {size} entries"
            )
        yield Head(size, start.hex())


def _verify_leaves(
    leaves: Sequence[bytes], cited: Sequence[_Cited], head: Head
) -> Iterator[ExportFinding]:
    if not leaves:
        return
    if len(leaves) != head.size or root_of(leaves).hex() != head.root:
        yield finding(PROOFS, "proof", "its leaf hashes do not make up the checkpoint")
    elif any(leaves[item.entry.sequence - 1] != item.leaf for item in cited):
        yield finding(PROOFS, "proof", "its leaf hashes are not those of its entries")


def _verify_heads(
    entries: Sequence[Entry], proven: frozenset[Head]
) -> Iterator[ExportFinding]:
    """See that the ledger continues every head that is signed in a cited entry."""
    for entry in entries:
        statement = entry.data.get("statement")
        head = statement.get("head") if isinstance(statement, Mapping) else None
        match head:
            case None:
                continue
            case {"size": int(size), "root": str(root)}:
                held = size < entry.sequence and Head(size, root) in proven
            case _:
                held = False
        if not held:
            message = (
                f"entry {entry.sequence}: the ledger is not proven to continue the "
                "head its signer saw"
            )
            yield finding(PROOFS, "proof", message)


def _list(document: Mapping[str, JSON], name: str) -> list[JSON]:
    found = document.get(name)
    if not isinstance(found, list):
        raise IntegrityError(f"{PROOFS} is malformed: {name} is no list")
    return found


def _hash(value: JSON) -> bytes:
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise IntegrityError("a hash is no SHA-256 in hex")
    return bytes.fromhex(value)
