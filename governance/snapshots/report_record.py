"""Decisions, policy, ledger and limits, as a report states them."""

import json
from collections.abc import Iterator, Mapping, Sequence

import yaml

from governance.canonical import JSON, canonical_bytes
from governance.domain.signoff import Head, Signed
from governance.snapshots.html import (
    Html,
    bullets,
    facts,
    join,
    lines,
    mono,
    paragraph,
    table,
    tag,
    words,
)
from governance.snapshots.inputs import ExportedLog, ExportedPolicy
from governance.snapshots.limits import LIMITS
from governance.snapshots.request_words import inner, listed, plain

_WORDS = (
    ("Decision", "decision"),
    ("Action", "action"),
    ("In the role of", "role"),
    ("Comment", "comment"),
    ("Reason", "reason"),
    ("Time, as signed", "time"),
)
_DIGESTS = (
    ("Candidate", "candidate"),
    ("Snapshot", "snapshot"),
    ("Evidence", "evidence"),
    ("Policy", "policy"),
)
_MOST = 200


def decisions(signed: Sequence[Signed]) -> Html:
    """Return every signature and what it was given for.

    Args:
        signed: Signed statements, in their order in the ledger.
    """
    if not signed:
        return paragraph(words("Nobody signed."))
    return join(_decision(index, one) for index, one in enumerate(signed, 1))


def _decision(index: int, signed: Signed) -> Html:
    said = signed.document
    rows = [
        (name, words(plain(said[key]), 2000)) for name, key in _WORDS if said.get(key)
    ]
    rows += [(name, mono(plain(said[key]))) for name, key in _DIGESTS if said.get(key)]
    edits = [mono(plain(item)) for item in listed(said, "edits")[:_MOST]]
    rows.append(("Edits", join(edits, "<br>")))
    rows.append(("Ledger seen", _seen(inner(said, "head"))))
    rows.append(("Key", mono(signed.key, 1000)))
    if signed.sequence:
        rows.append(("Ledger entry", words(f"{signed.sequence}, {signed.time}")))
    rows.append(("Signature", tag("pre", lines(signed.signature, 8000))))
    heading = tag("h3", words(f"{index}. {signed.principal}", 220))
    return tag("article", heading, facts(rows), class_="signed")


def _seen(head: Mapping[str, JSON]) -> Html:
    if not head:
        return Html("")
    size = words(f"{plain(head.get('size'))} entries, root ")
    return join((size, mono(plain(head.get("root")))))


def policy(found: ExportedPolicy) -> Html:
    """Return the policy the decisions were made under, verbatim.

    Args:
        found: The policy.
    """
    plain_document = json.loads(canonical_bytes(found.document))
    text = yaml.safe_dump(plain_document, allow_unicode=True, sort_keys=True)
    return join(
        (
            paragraph(
                words(
                    f"Policy {found.name}, version {found.version}, as it was in force "
                    "when these decisions were signed. It follows in its canonical "
                    "form, which the digest is of: every rule, in the order of their "
                    "names, without the comments of the file it was written in."
                )
            ),
            facts((("Digest", mono(found.digest)),)),
            tag("pre", lines(text)),
        )
    )


def ledger(origin: str, head: Head, log: ExportedLog | None) -> Html:
    """Return the ledger's head and what it proves of which entry.

    Args:
        origin: The ledger's name.
        head: Its head.
        log: Checkpoint, cited entries and proofs; ``None`` where they are not known.
    """
    parts = [
        facts(
            (
                ("Ledger", mono(origin)),
                ("Entries", words(str(head.size))),
                ("Root", mono(head.root)),
                ("Key", mono(log.key, 1000) if log else Html("")),
            )
        )
    ]
    if log is not None:
        parts += _proofs(log)
    return join(parts)


def _proofs(log: ExportedLog) -> Iterator[Html]:
    yield tag("h3", words("The signed head"))
    yield paragraph(
        words(
            "Keep a copy of these lines elsewhere: against a head that somebody else "
            "holds, no rewritten ledger passes."
        )
    )
    yield tag("pre", lines(log.checkpoint))
    yield tag("h3", words("Entries cited"))
    rows = [
        [
            words(str(cited.entry.sequence)),
            words(cited.entry.event),
            mono(cited.entry.digest),
            words(f"{len(cited.proof)} hashes"),
        ]
        for cited in log.entries[:_MOST]
    ]
    yield table(
        words(
            f"{len(rows)} of {len(log.entries)} entries this record rests on, each with "
            "its inclusion proof in proofs.json"
        ),
        ("Entry", "Event", "Leaf hash", "Proof"),
        rows,
    )
    yield paragraph(
        words(
            f"{len(log.heads)} heads that signers saw are cited, each with a proof that "
            "the ledger only grew since."
        )
    )


def limits() -> Html:
    """Return what the record does not prove."""
    return bullets(words(limit, 2000) for limit in LIMITS)
