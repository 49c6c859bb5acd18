"""Is the policy that people read the one in force, and is none there beside those."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from governance.domain.events import EditProposed, EditsChecked, SignOffGiven
from governance.errors import IntegrityError
from governance.policy.model import Policy
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.manifest import Manifest
from governance.snapshots.names import MANIFEST
from governance.snapshots.proofs import FILES, POLICIES, SUITES
from governance.snapshots.reading import POLICY_LIMIT, read_limited
from governance.snapshots.record import EVIDENCE, POLICY, policy_text
from governance.snapshots.request_words import inner
from governance.snapshots.verify_log import Told
from governance.text import safe


def verify_policy(
    folder: Path,
    manifest: Manifest,
    intact: frozenset[str],
    policies: Mapping[str, Policy],
) -> Iterator[ExportFinding]:
    """Compare ``policy.yaml`` and the manifest with the policy under its digest.

    Args:
        folder: The export.
        manifest: What it says of itself.
        intact: Files whose bytes are as the manifest says; others are reported.
        policies: Every policy that the export holds, by digest.
    """
    policy = policies.get(manifest.policy)
    if policy is None:
        message = f"{POLICIES} does not hold the policy {manifest.policy}"
        yield finding(POLICY, "proof", message)
        return
    said = (manifest.policy_name, manifest.policy_version)
    if said != (policy.name, policy.version):
        message = (
            f"policy.name, policy.version: expected {policy.name}, {policy.version}, "
            f"found {safe(said[0], 80)}, {said[1]}"
        )
        yield finding(MANIFEST, "proof", message)
    if POLICY not in intact:
        return
    try:
        found = read_limited(folder / POLICY, POLICY, POLICY_LIMIT)
    except IntegrityError:
        return  # Reported where its digest is computed.
    wanted = policy_text(policy.document)
    if found != wanted:
        pairs = zip(
            [*wanted.splitlines(), b""], [*found.splitlines(), b""], strict=False
        )
        line = next((n for n, (one, other) in enumerate(pairs, 1) if one != other), 1)
        message = f"line {line}: it does not write the policy as an export does"
        yield finding(POLICY, "proof", message)


def verify_kept(
    manifest: Manifest, told: Told, policies: Mapping[str, Policy]
) -> Iterator[ExportFinding]:
    """See that no policy, suite, text or evidence lies there that no cited entry names.

    Args:
        manifest: What the export says of itself.
        told: What the ledger says.
        policies: Every policy that the export holds, by digest.
    """
    ruled = {str(state.policy.get("digest")) for state in told.states}
    named = {
        POLICIES: ruled,
        SUITES: {policies[name].suite.digest for name in ruled & policies.keys()},
        FILES: set(_texts(told)),
    }
    for path, record in sorted(manifest.files.items()):
        digests = named.get(path.rpartition("/")[0])
        if digests is not None and record.sha256 not in digests:
            yield finding(path, "added", "no cited entry names it")
    # Its name was held against its bytes; what pictures there are, evidence names.
    known = {f"{EVIDENCE}/{digest}.json" for digest in _evidence(told)}
    for path in sorted(manifest.files.keys() - known):
        if path.startswith(f"{EVIDENCE}/") and path.endswith(".json"):
            yield finding(path, "added", "no cited entry names it")


def _evidence(told: Told) -> Iterator[str]:
    for _, event in told.events:
        if isinstance(event, EditsChecked):
            yield event.evidence
        elif isinstance(event, SignOffGiven):
            yield str(event.statement.get("evidence"))


def _texts(told: Told) -> Iterator[str]:
    for _, event in told.events:
        if isinstance(event, EditProposed):
            spec = inner(event.request, "spec")
            yield from (str(spec.get(n)) for n in ("concepts_file", "preserve_file"))
