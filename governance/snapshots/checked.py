"""What a verification that found nothing has checked, so that it can be filed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from governance.canonical import JSON
from governance.ledger.checkpoint import open_checkpoint
from governance.snapshots.manifest import Manifest
from governance.snapshots.standing import standing_of
from governance.snapshots.verify_held import Held
from governance.snapshots.verify_proofs import ProvenLog
from governance.snapshots.verify_record import ProposedEdit
from governance.snapshots.verify_signatures import Vouched, names


@dataclass(frozen=True, slots=True)
class Brought:
    """What a verifier brought along, and what was held against it.

    Args:
        signers: Whether the reviewers' keys were brought.
        held: The ledger's key and a kept checkpoint.
        base: The base model's folder.
    """

    signers: bool
    held: Held
    base: Path | None


def checked_of(
    manifest: Manifest,
    edits: Sequence[ProposedEdit],
    vouched: Sequence[Vouched],
    log: ProvenLog,
    brought: Brought,
) -> Mapping[str, JSON]:
    """Return what was checked, of an export in which nothing was found.

    Args:
        manifest: What the export says of itself.
        edits: Its edits.
        vouched: Its signed statements; every signature holds.
        log: Its ledger.
        brought: What it was held against.
    """
    standing = standing_of(log.entries, manifest.model, manifest.digest)
    kept = brought.held.checkpoint
    against = None if kept is None else open_checkpoint(kept, log.key)
    return {
        "snapshot": manifest.digest,
        "standing": standing.words,
        "live": standing.live,
        "model": {
            "name": manifest.model,
            "source": manifest.source,
            "digest": manifest.snapshot.base,
        },
        "base": None if brought.base is None else str(brought.base.absolute()),
        "edits": [
            {"id": one.id, "request": one.digest, "proposer": one.proposer}
            for one in edits
        ],
        "signers": {
            "pinned": brought.signers,
            # Every signature held by these keys, or something would have been found.
            "matched": brought.signers and names(vouched, manifest.digest),
            "signatures": [_signature(one) for one in vouched],
        },
        "ledger": {
            "origin": manifest.origin,
            "size": log.head.size,
            "root": log.head.root,
            "key": log.key.text,
            "pinned": brought.held.key is not None,
        },
        "against": None if against is None else against.document(),
        "files": len(manifest.files) + 1,
        "form": manifest.form.words,
        "derived": manifest.form.derived,
    }


def _signature(one: Vouched) -> dict[str, JSON]:
    said = one.said.get("decision", one.said.get("action"))
    return {
        "file": one.path,
        "principal": one.principal,
        "fingerprint": one.key.fingerprint,
        "said": said if isinstance(said, str) else "",
        "snapshot": one.subject,
    }
