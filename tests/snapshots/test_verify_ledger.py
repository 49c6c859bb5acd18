"""Attacks on what an export cites of its ledger."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.canonical import canonical_bytes, digest_of, sha256_hex
from governance.domain.change import change_digest
from governance.domain.change_events import (
    ChangeActivated,
    ChangeProposed,
    ChangeSigned,
)
from governance.domain.events import SnapshotActivated
from governance.domain.signoff import (
    PROPOSAL_NAMESPACE,
    SIGNOFF_NAMESPACE,
    ChangeStatement,
    Decision,
    Signed,
)
from governance.errors import NotFoundError, UsageError
from governance.identity.roster_copy import allowed_signers_text
from governance.ledger.checkpoint import checkpoint_text, open_checkpoint
from governance.ledger.merkle import leaf_hash
from governance.ledger.note import NoteKey, parse_note_key, sign_note
from governance.ledger.store import ObjectStore
from governance.pipeline.folder import PipelineFolder
from governance.snapshots.export import export_diffusers
from governance.snapshots.findings import ExportVerdict
from governance.snapshots.inputs import ExportedLog, ExportedPolicy, ExportInputs
from governance.snapshots.proofs import pem
from governance.snapshots.verify import verify_export
from tests.snapshots.conftest import evidence_for, inputs_for, moved
from tests.snapshots.logs import (
    LEDGER,
    SUITE,
    Chronicle,
    begun,
    cited,
    logged,
    propose,
    record_key,
    roster_of,
    sign,
)
from tests.snapshots.people import (
    ADA,
    BOB,
    EVE,
    ORIGIN,
    TIME,
    Person,
    approval,
    edit,
    policy,
    request,
    signers,
)
from tests.snapshots.test_verify import keys, messages, named, reseal, rewrite_manifest

PROOFS = "governance/proofs.json"
CHECKPOINT = "governance/checkpoint"
KEY = "governance/keys/ledger.pub"
OTHER = Ed25519PrivateKey.generate()


def rewrite(export: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the proofs, and make the manifest fit again."""
    place = export / PROOFS
    proofs = json.loads(place.read_text())
    change(proofs)
    place.write_text(json.dumps(proofs))
    reseal(export)


def made(inputs: ExportInputs, store: ObjectStore, target: Path) -> Path:
    return export_diffusers(inputs, store, target).path


def ledger_key(tmp_path: Path, key: Ed25519PrivateKey = LEDGER) -> Path:
    place = tmp_path / "ledger.pub"
    place.write_bytes(pem(NoteKey(ORIGIN, key.public_key())))
    return place


# What is exported


def test_the_cited_entries_tell_the_whole_story(pristine: Path) -> None:
    proofs = json.loads((pristine / PROOFS).read_text())
    events = [entry["event"] for entry in proofs["entries"]]
    assert events == [
        "WorkspaceCreated",
        "ModelRegistered",
        "EditProposed",
        "EditsApplied",
        "EditsChecked",
        "SignOffGiven",
        "SnapshotActivated",
        "SigningKeyRecorded",
    ]
    for entry in proofs["entries"]:
        assert leaf_hash(entry["payload"].encode()).hex() == entry["hash"]


# Attacks on the proofs


def test_an_edited_payload_is_found(export: Path) -> None:
    def lie(proofs: dict[str, Any]) -> None:
        entry = proofs["entries"][2]
        entry["payload"] = entry["payload"].replace("Kora", "Lume")

    rewrite(export, lie)
    assert named(export) == [(PROOFS, "proof")]
    assert "its payload is another" in messages(export)


def test_an_edited_payload_with_its_hash_is_not_in_the_tree(export: Path) -> None:
    def lie(proofs: dict[str, Any]) -> None:
        entry = proofs["entries"][2]
        entry["payload"] = entry["payload"].replace("Kora", "Lume")
        entry["hash"] = leaf_hash(entry["payload"].encode()).hex()

    rewrite(export, lie)
    assert (PROOFS, "proof") in named(export)
    assert "entry 3 is not proven to be in the ledger" in messages(export)


def test_a_proof_from_another_tree_is_found(
    inputs: ExportInputs, store: ObjectStore, export: Path, tmp_path: Path
) -> None:
    later = replace(inputs, created="2026-03-02T00:00:00Z")
    other = made(logged(later), store, tmp_path / "other")
    foreign = json.loads((other / PROOFS).read_text())

    def lie(proofs: dict[str, Any]) -> None:
        proofs["entries"][4]["proof"] = foreign["entries"][4]["proof"]

    rewrite(export, lie)
    assert "entry 5 is not proven to be in the ledger" in messages(export)


def test_entries_of_another_tree_are_found(
    inputs: ExportInputs, store: ObjectStore, export: Path, tmp_path: Path
) -> None:
    later = replace(inputs, created="2026-03-02T00:00:00Z")
    other = made(logged(later), store, tmp_path / "other")
    shutil.copy(other / PROOFS, export / PROOFS)
    reseal(export)
    assert {path for path, _ in named(export)} == {PROOFS}


def test_a_checkpoint_of_another_ledger_is_found(export: Path) -> None:
    text = (export / CHECKPOINT).read_text().split("\n")
    elsewhere = "\n".join(("elsewhere", *text[1:3])) + "\n"
    (export / CHECKPOINT).write_text(sign_note(elsewhere, "elsewhere", OTHER))
    reseal(export)
    assert named(export) == [(CHECKPOINT, "signature")]


def test_a_checkpoint_of_another_head_is_found(
    export: Path, inputs: ExportInputs
) -> None:
    """Signed with the ledger's own key, but of the log before its last entry."""
    log = begun(inputs)
    sign(log, inputs)
    before = checkpoint_text(ORIGIN, log.head(len(log.entries) - 1))
    (export / CHECKPOINT).write_text(sign_note(before, ORIGIN, LEDGER))
    reseal(export)
    assert (CHECKPOINT, "proof") in named(export)


def test_a_changed_root_or_signature_is_found(export: Path) -> None:
    place = export / CHECKPOINT
    original = place.read_text()
    for at in range(0, len(original), 3):
        changed = original[:at] + ("A" if original[at] != "A" else "B")
        place.write_text(changed + original[at + 1 :])
        reseal(export)
        assert CHECKPOINT in {path for path, _ in named(export)}, at
    place.write_text(original)
    reseal(export)
    assert named(export) == []


def test_a_swapped_ledger_key_is_found(export: Path) -> None:
    (export / KEY).write_bytes(pem(NoteKey(ORIGIN, OTHER.public_key())))
    reseal(export)
    assert named(export) == [(KEY, "signature")]


def test_a_swapped_ledger_key_that_signs_the_checkpoint_is_found(export: Path) -> None:
    (export / KEY).write_bytes(pem(NoteKey(ORIGIN, OTHER.public_key())))
    text = (export / CHECKPOINT).read_text().partition("\n\n")[0] + "\n"
    (export / CHECKPOINT).write_text(sign_note(text, ORIGIN, OTHER))
    reseal(export)
    assert named(export) == [(CHECKPOINT, "signature"), (KEY, "signature")]


@pytest.mark.parametrize("path", [PROOFS, CHECKPOINT, KEY])
def test_an_export_without_its_ledger_is_found(export: Path, path: str) -> None:
    (export / path).unlink()
    reseal(export)
    assert (path, "missing") in named(export)


@pytest.mark.parametrize("number", range(7))
def test_no_entry_can_be_left_out(export: Path, number: int) -> None:
    rewrite(export, lambda proofs: proofs["entries"].pop(number))
    assert named(export) != []


def test_a_head_that_was_not_seen_is_found(export: Path) -> None:
    rewrite(export, lambda proofs: proofs.update(heads=[]))
    assert named(export) == [(PROOFS, "proof")]
    assert "the head its signer saw" in messages(export)


def test_leaves_of_another_tree_are_found(export: Path) -> None:
    rewrite(export, lambda proofs: proofs["leaves"].reverse())
    assert named(export) == [(PROOFS, "proof")]


@pytest.mark.parametrize(
    "lie",
    [
        lambda proofs: proofs.update(entries=None),
        lambda proofs: proofs.update(entries=[]),
        lambda proofs: proofs.update(entries=[{}]),
        lambda proofs: proofs["entries"].reverse(),
        lambda proofs: proofs["entries"].append(proofs["entries"][0]),
        lambda proofs: proofs["entries"][0].update(proof="x"),
        lambda proofs: proofs["entries"][0].update(proof=[7]),
        lambda proofs: proofs["entries"][0].update(proof=["zz" * 32]),
        lambda proofs: proofs["entries"][0].update(payload="{}"),
        lambda proofs: proofs["entries"][0].update(payload="\ud800"),
        lambda proofs: proofs["entries"][0].update(sequence=2),
        lambda proofs: proofs["entries"][1].update(sequence=True),
        lambda proofs: proofs.update(heads=[{"size": 0, "root": "00" * 32}]),
        lambda proofs: proofs.update(heads=[None]),
        lambda proofs: proofs.update(leaves=["0"]),
        lambda proofs: proofs.update(leaves=7),
        lambda proofs: proofs.update(size=1),
        lambda proofs: proofs.update(origin="elsewhere"),
        lambda proofs: proofs.update(format="governance/proofs/v9"),
    ],
)
def test_malformed_proofs_are_a_finding(
    export: Path, lie: Callable[[dict[str, Any]], None]
) -> None:
    rewrite(export, lie)
    assert {path for path, _ in named(export)} == {PROOFS}


# Attacks on what the entries say


def test_a_sign_off_moved_to_another_ledger_is_found(
    folder: PipelineFolder, store: ObjectStore, tmp_path: Path
) -> None:
    """The ledger it is put into never was what its signer saw."""
    first = inputs_for(folder, store, (edit(request()),), moved(folder))
    other = edit(request("Another"), ADA)
    second = inputs_for(folder, store, (other,), moved(folder, 2))
    evidence = (*second.evidence, *first.evidence)
    moved_over = logged(replace(second, signoffs=first.signoffs, evidence=evidence))
    out = made(moved_over, store, tmp_path / "out")
    assert named(out) == [(PROOFS, "proof")]
    assert "entry 6: the ledger is not proven to continue the head" in messages(out)


def test_a_sign_off_moved_between_edits_is_found(
    folder: PipelineFolder, store: ObjectStore, tmp_path: Path
) -> None:
    """In the same ledger, what Bob signed for one edit is entered for the next."""
    inputs = two_days(folder, store, stricter=later(policy()), second_by=())
    assert named(made(inputs, store, tmp_path / "bare")) == [
        ("governance/signoffs", "signature")
    ]
    (given,) = inputs.signoffs
    reused = two_days(
        folder, store, stricter=later(policy()), second_by=(), reused=given
    )
    out = made(reused, store, tmp_path / "out")
    assert ("governance/signoffs", "signature") in named(out)
    assert "edit E-0002: missing 1 more approval" in messages(out)
    assert "bob@example.org: signed for another candidate" in messages(out)


def later(old: ExportedPolicy) -> ExportedPolicy:
    return replace_spec(old)


def test_sign_offs_that_change_places_are_found(
    folder: PipelineFolder, store: ObjectStore, tmp_path: Path
) -> None:
    inputs = two_days(folder, store, stricter=later(policy()), second_by=(EVE,))
    out = made(inputs, store, tmp_path / "out")
    assert verify_export(out).ok
    place = out / "governance/signoffs"
    for ending in ("json", "json.sshsig"):
        first, second = place / f"1.{ending}", place / f"2.{ending}"
        data = first.read_bytes()
        first.write_bytes(second.read_bytes())
        second.write_bytes(data)
    reseal(out)
    assert named(out) == [
        ("governance/signoffs/1.json", "proof"),
        ("governance/signoffs/2.json", "proof"),
    ]


def test_sign_offs_of_an_older_export_are_found(
    inputs: ExportInputs, store: ObjectStore, pristine: Path, tmp_path: Path
) -> None:
    """Genuine, by the right person, for the same snapshot, in a ledger of its own."""
    again = replace(inputs, created="2026-03-02T00:00:00Z")
    newer = logged(replace(again, signoffs=(approval(again, BOB),)))
    out = made(newer, store, tmp_path / "out")
    assert verify_export(out).ok
    for ending in ("json", "json.sshsig"):
        name = f"governance/signoffs/1.{ending}"
        shutil.copy(pristine / name, out / name)
    reseal(out)
    assert ("governance/signoffs/1.json", "proof") in named(out)
    assert "no cited entry of the ledger holds it" in messages(out)


def test_a_sign_off_the_manifest_misdescribes_is_found(export: Path) -> None:
    def lie(manifest: dict[str, Any]) -> None:
        manifest["signoffs"][0]["time"] = "2020-01-01T00:00:00Z"

    rewrite_manifest(export, lie)
    assert named(export) == [("governance/signoffs/1.json", "proof")]


def test_a_proposer_renamed_is_found(export: Path) -> None:
    place = export / "governance/edits.json"
    document = json.loads(place.read_text())
    document["edits"][0]["proposal"]["principal"] = EVE.name
    place.write_text(json.dumps(document))
    reseal(export)
    assert named(export) == [("governance/edits.json", "proof")]
    assert "entry 3 proposes something else" in messages(export)


def test_a_roster_that_is_not_the_ledgers_is_found(export: Path) -> None:
    place = export / "governance/allowed_signers"
    place.write_text(place.read_text() + signers(EVE))
    reseal(export)
    assert named(export) == [("governance/allowed_signers", "proof")]


def test_another_base_is_found(export: Path) -> None:
    rewrite_manifest(export, lambda m: m["base"].update(source="evil/model@main"))
    assert ("governance/manifest.json", "proof") in named(export)


def test_a_policy_that_was_never_in_force_is_found(
    inputs: ExportInputs, export: Path
) -> None:
    """The manifest, policy.yaml and the policies' folder agree on a laxer one."""
    laxer = replace_spec(inputs.policy, distinct_from_proposer=False)
    data = canonical_bytes(laxer.document)
    (export / "governance/policy.yaml").write_bytes(data)
    (export / f"governance/policies/{laxer.digest}.json").write_bytes(data)
    reseal(export)
    rewrite_manifest(export, lambda m: m["policy"].update(digest=laxer.digest))
    assert ("governance/policy.yaml", "proof") in named(export)
    assert "was not in force" in messages(export)


def test_a_policy_swapped_under_its_name_is_found(
    inputs: ExportInputs, export: Path
) -> None:
    laxer = replace_spec(inputs.policy, distinct_from_proposer=False)
    path = f"governance/policies/{inputs.policy.digest}.json"
    (export / path).write_bytes(canonical_bytes(laxer.document))
    reseal(export)
    assert (path, "proof") in named(export)
    assert "is not in the export" in messages(export)


def replace_spec(old: ExportedPolicy, **changes: Any) -> ExportedPolicy:
    spec: Any = old.document["spec"]
    metadata: Any = old.document["metadata"]
    document = {
        **old.document,
        "metadata": {**metadata, "version": old.version + 1},
        "spec": {**spec, **changes},
    }
    return ExportedPolicy(old.name, old.version + 1, digest_of(document), document)


# Each edit by the policy of its own day


def change_policy(
    log: Chronicle, new: ExportedPolicy, old: ExportedPolicy, who: tuple[Person, Person]
) -> None:
    """Propose, approve and activate another policy."""
    proposer, approver = who
    name = f"C-{len([e for e in log.entries if e.event == 'ChangeProposed']) + 1:04d}"
    subject: dict[str, Any] = {
        "name": new.name,
        "version": new.version,
        "digest": new.digest,
        "suite": {"name": SUITE.name, "digest": SUITE.digest},
    }
    digest = change_digest(ORIGIN, name, "policy", subject)
    signature = proposer.sign(digest.encode(), PROPOSAL_NAMESPACE)
    event = ChangeProposed(
        name, "policy", subject, digest, proposer.key.text, signature
    )
    log.add(event, proposer.name, TIME)
    statement = ChangeStatement(
        origin=ORIGIN,
        head=log.head(),
        change=name,
        digest=digest,
        policy=old.digest,
        decision=Decision.APPROVE,
        role="reviewer",
        comment="",
        principal=approver.name,
        time=TIME,
    )
    given = approver.sign(statement.message(), SIGNOFF_NAMESPACE)
    signed = ChangeSigned(
        name, "approve", approver.key.text, statement.document(), given
    )
    log.add(signed, approver.name, TIME)
    roster = roster_of(signers(*PEOPLE))
    copy = sha256_hex(allowed_signers_text(roster).encode())
    log.add(ChangeActivated(name, "policy", digest, copy), approver.name, TIME)
    log.policies.append(new)


PEOPLE = (ADA, BOB, EVE)


def two_days(
    folder: PipelineFolder,
    store: ObjectStore,
    *,
    stricter: ExportedPolicy,
    second_by: tuple[Person, ...],
    honest: bool = True,
    reused: Signed | None = None,
) -> ExportInputs:
    """One edit under the first policy, then another policy, then one edit more."""
    first_edit, second_edit = edit(request()), edit(request("More"), ADA, "E-0002")
    crowd = signers(*PEOPLE)
    first = inputs_for(folder, store, (first_edit,), moved(folder))
    first = replace(first, allowed_signers=crowd)
    first = replace(first, signoffs=(approval(first, BOB),))
    log = begun(first)
    given = sign(log, first)
    who = (ADA, BOB) if honest else (ADA, ADA)
    change_policy(log, stricter, first.policy, who)
    both = inputs_for(folder, store, (first_edit, second_edit), moved(folder, 2))
    both = replace(both, allowed_signers=crowd, policy=stricter)
    # Only the second edit is new in the second candidate.
    alone = replace(
        both,
        edits=(second_edit,),
        evidence=(evidence_for(store, both.snapshot, (second_edit,)),),
    )
    propose(log, alone)
    seen = log.head()
    alone = replace(
        alone, signoffs=tuple(approval(alone, p, head=seen) for p in second_by)
    )
    if reused is not None:
        alone = replace(alone, signoffs=(reused,))
    more = sign(log, alone, candidate=alone.snapshot.digest)
    last = log.entries.pop()
    live = SnapshotActivated(
        both.model, both.snapshot.digest, first.snapshot.digest, ["E-0001", "E-0002"]
    )
    log.add(live, last.actor, last.time)
    both = replace(both, evidence=(*first.evidence, *alone.evidence))
    return cited(both, log, (*given, *more))


def test_each_edit_is_judged_by_the_policy_of_its_own_day(
    folder: PipelineFolder, store: ObjectStore, tmp_path: Path
) -> None:
    """One approval was enough then; the policy of today asks for two."""
    inputs = two_days(
        folder,
        store,
        stricter=replace_spec(policy(), required_approvals=2),
        second_by=(BOB, EVE),
    )
    out = made(inputs, store, tmp_path / "out")
    verdict = verify_export(out, keys(tmp_path, *PEOPLE))
    assert replace(verdict, checked={}) == ExportVerdict(
        ok=True, trust="pinned", findings=()
    )
    policies = list((out / "governance/policies").iterdir())
    assert len(policies) == 2


def test_a_later_edit_is_not_judged_by_the_laxer_policy_before(
    folder: PipelineFolder, store: ObjectStore, tmp_path: Path
) -> None:
    inputs = two_days(
        folder,
        store,
        stricter=replace_spec(policy(), required_approvals=2),
        second_by=(BOB,),
    )
    out = made(inputs, store, tmp_path / "out")
    assert named(out) == [("governance/signoffs", "signature")]
    assert messages(out) == "edit E-0002: missing 1 more approval"


def test_a_policy_that_nobody_else_approved_is_found(
    folder: PipelineFolder, store: ObjectStore, tmp_path: Path
) -> None:
    """Ada approves her own laxer policy: what rests on it does not hold."""
    inputs = two_days(
        folder,
        store,
        stricter=replace_spec(policy(), distinct_from_proposer=False),
        second_by=(ADA,),
        honest=False,
    )
    out = made(inputs, store, tmp_path / "out")
    assert named(out) == [(PROOFS, "signature")]
    assert "C-0001: it took effect, missing 1 more approval" in messages(out)
    assert "given by the proposer" in messages(out)


def test_a_missing_policy_cannot_be_judged_by(
    folder: PipelineFolder, store: ObjectStore, tmp_path: Path
) -> None:
    inputs = two_days(
        folder,
        store,
        stricter=replace_spec(policy(), required_approvals=2),
        second_by=(BOB, EVE),
    )
    out = made(inputs, store, tmp_path / "out")
    (out / f"governance/policies/{policy().digest}.json").unlink()
    reseal(out)
    assert "edit E-0001: the policy in force" in messages(out)


def test_a_key_that_signed_under_another_key_does_not_count(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    """You trust two keys of Bob's; the roster knows one, and the other signed."""
    spare = Person(BOB.name)
    given = replace(approval(inputs, spare), key=BOB.key.text)
    out = made(logged(replace(inputs, signoffs=(given,))), store, tmp_path / "out")
    trusted = keys(tmp_path, ADA, BOB, spare)
    assert "missing 1 more approval" in "".join(
        found.message for found in verify_export(out, trusted).findings
    )


@pytest.mark.parametrize("garbage", [None, 7, "x", [7], {"x": 7}])
def test_entries_that_hold_anything_at_all_are_a_finding(
    export: Path, inputs: ExportInputs, garbage: Any
) -> None:
    """A forger signs a log of their own, field by field not what it should be."""
    log = begun(inputs)
    sign(log, inputs)
    fields = [(n, name) for n, entry in enumerate(log.entries) for name in entry.data]
    for number, name in fields:
        entries = list(log.entries)
        old = entries[number]
        entries[number] = replace(old, data={**old.data, name: garbage})
        forged = Chronicle(ORIGIN, entries=entries).proven()
        install(export, forged)
        path = {found.path for found in verify_export(export).findings}
        harmless = name in _UNREAD or old.data[name] == garbage
        assert path or harmless, (old.event, name)


# What only other checks read: findings, certificates and the like.
_UNREAD = {
    *("suites", "path", "findings", "parent", "certificate", "sites", "conflicts"),
    *("seconds", "rules", "previous", "edits", "decision"),
}


def install(export: Path, log: ExportedLog) -> None:
    """Put another log into an export, and make everything around it fit."""
    key = parse_note_key(log.key)
    head = open_checkpoint(log.checkpoint, key)
    (export / CHECKPOINT).write_text(log.checkpoint)
    (export / KEY).write_bytes(pem(key))
    document = {
        "format": "governance/proofs/v1",
        "origin": key.name,
        **head.document(),
        "entries": [
            {
                "sequence": item.entry.sequence,
                "event": item.entry.event,
                "hash": item.entry.digest,
                "payload": item.entry.payload.decode(),
                "proof": item.proof,
            }
            for item in log.entries
        ],
        "heads": [{**one.head.document(), "proof": one.proof} for one in log.heads],
        "leaves": log.leaves,
    }
    (export / PROOFS).write_text(json.dumps(document))
    reseal(export)
    rewrite_manifest(export, lambda m: m["ledger"].update(head=head.document()))


# What the verifier brings along


def test_the_ledger_key_is_held_against_the_first_entry(
    pristine: Path, tmp_path: Path
) -> None:
    key = ledger_key(tmp_path)
    assert verify_export(pristine, ledger_key=key).ok
    assert verify_export(pristine, ledger_key=key).trust == "self"
    key.write_text(NoteKey(ORIGIN, LEDGER.public_key()).text + "\n")
    assert verify_export(pristine, ledger_key=key).ok
    key.write_text(NoteKey("elsewhere", LEDGER.public_key()).text)
    assert not verify_export(pristine, ledger_key=key).ok
    verdict = verify_export(pristine, ledger_key=ledger_key(tmp_path, OTHER))
    assert [(f.path, f.problem) for f in verdict.findings] == [(KEY, "signature")]


def test_a_forged_ledger_is_consistent_until_its_key_is_known(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    """Everybody's keys are Mallory's, the ledger's included."""
    mallory, ada = Person(BOB.name), Person(ADA.name)
    remade = replace(
        inputs,
        edits=(edit(request(), ada),),
        allowed_signers=signers(ada, mallory),
    )
    begin = begun(remade, OTHER)
    remade = replace(remade, signoffs=(approval(remade, mallory, head=begin.head()),))
    out = made(logged(remade, OTHER), store, tmp_path / "out")
    alone = verify_export(out)
    assert (alone.findings, alone.trust) == ((), "self")
    assert not verify_export(out, ledger_key=ledger_key(tmp_path)).ok
    assert not verify_export(out, keys(tmp_path, ADA, BOB)).ok


def test_a_kept_checkpoint_is_continued(
    pristine: Path, inputs: ExportInputs, tmp_path: Path
) -> None:
    log = begun(inputs)
    sign(log, inputs)
    kept = tmp_path / "kept"
    for size in range(1, len(log.entries) + 1):
        kept.write_text(note(log, size))
        assert verify_export(pristine, against=kept).ok, size
    other = begun(replace(inputs, created="2026-03-02T00:00:00Z"))
    for size in range(1, len(other.entries) + 1):
        kept.write_text(note(other, size))
        (found,) = verify_export(pristine, against=kept).findings
        assert (found.path, found.problem) == (CHECKPOINT, "proof")
        assert "does not continue" in found.message


def note(log: Chronicle, size: int, key: Ed25519PrivateKey = LEDGER) -> str:
    return sign_note(checkpoint_text(log.origin, log.head(size)), log.origin, key)


def test_a_checkpoint_that_cannot_be_compared_is_no_yes(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    log = begun(inputs)
    sign(log, inputs)
    assert inputs.log is not None
    record_key(log)
    long = replace(inputs, log=log.proven(long=True))
    out = made(long, store, tmp_path / "out")
    kept = tmp_path / "kept"
    kept.write_text(note(log, 5))  # the head Bob signed
    assert verify_export(out, against=kept).ok
    kept.write_text(note(log, 3))
    (found,) = verify_export(out, against=kept).findings
    assert "no proof from 3 entries on" in found.message
    log.add(SnapshotActivated("m", "0" * 64, "0" * 64, []), "x", TIME)
    kept.write_text(note(log, len(log.entries)))
    (found,) = verify_export(out, against=kept).findings
    assert "cannot be compared offline" in found.message


def test_a_checkpoint_by_another_key_is_a_finding(
    pristine: Path, inputs: ExportInputs, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.write_text(note(begun(inputs), 3, OTHER))
    assert not verify_export(pristine, against=kept).ok


def test_what_is_brought_must_be_there_and_a_key(
    pristine: Path, tmp_path: Path
) -> None:
    nothing = tmp_path / "nothing"
    with pytest.raises(NotFoundError):
        verify_export(pristine, ledger_key=nothing)
    with pytest.raises(NotFoundError):
        verify_export(pristine, against=nothing)
    wrong = tmp_path / "wrong"
    public = generate_private_key(SECP256R1()).public_key()
    p256 = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for content in (b"", b"x", b"-----BEGIN PUBLIC KEY-----\nx\n", p256):
        wrong.write_bytes(content)
        with pytest.raises(UsageError):
            verify_export(pristine, ledger_key=wrong)
