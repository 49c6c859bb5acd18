"""Does ``edits.json`` say of the solve what the entries of the ledger say."""

import math
from collections.abc import Iterator, Mapping, Sequence

from governance.canonical import JSON
from governance.domain.events import EditsApplied
from governance.domain.request import EditRequest
from governance.engine.presets import effective
from governance.errors import GovernanceError, IntegrityError
from governance.snapshots.differing import difference
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.manifest import Manifest
from governance.snapshots.record import EDITS
from governance.snapshots.request_words import objects
from governance.snapshots.spec import spec_of
from governance.snapshots.verify_log import Told
from governance.snapshots.verify_policies import Kept
from governance.snapshots.verify_record import ProposedEdit
from governance.snapshots.verify_story import case_of

# The engine adds the squares of a change row by row, an export all at once.
CLOSE = 1e-6


def verify_solved(
    document: Mapping[str, JSON],
    edits: Sequence[ProposedEdit],
    told: Told,
    kept: Kept,
) -> Iterator[ExportFinding]:
    """Compare parameters and certificates with the proposals and the solves.

    Args:
        document: ``edits.json``.
        edits: Its edits.
        told: What the ledger says.
        kept: Documents the export holds.
    """
    for item, edit in zip(objects(document, "edits"), edits, strict=False):
        try:
            _, applied = case_of(told, edit).applied
            request = kept.request(told.proposals[edit.id][1])
        except (IntegrityError, KeyError):
            continue  # Reported where approvals are weighed.
        wanted: dict[str, JSON] = {
            "certificate": [
                row for row in applied.certificate if row.get("edit") == edit.id
            ],
            "parameters": parameters_of(request),
        }
        odd = difference(wanted, {key: item.get(key) for key in wanted})
        if odd is not None:
            message = f"edit {edit.id}: its entries say otherwise: {odd}"
            yield finding(EDITS, "proof", message)


def parameters_of(request: EditRequest) -> Mapping[str, JSON]:
    """Return a request's parameters with the published defaults filled in.

    Raises:
        IntegrityError: It has a parameter that its method has not.
    """
    try:
        return effective(spec_of(request, request.digest, {}))
    except GovernanceError as error:
        raise IntegrityError(f"its parameters: {error.message}") from error


def verify_sites(
    document: Mapping[str, JSON], manifest: Manifest, told: Told
) -> Iterator[ExportFinding]:
    """Compare the tensors that moved with the snapshot, and norms with the solve.

    A snapshot that a revert left was solved without an entry of its norms.

    Args:
        document: ``edits.json``.
        manifest: What the export says of itself.
        told: What the ledger says.
    """
    sites = objects(document, "sites")
    tensors = manifest.snapshot.tensors
    odd = difference(
        [{"name": name, "after": tensors[name]} for name in sorted(tensors)],
        [{key: item.get(key) for key in ("name", "after")} for item in sites],
        "sites",
    )
    if odd is not None:
        yield finding(EDITS, "proof", f"the snapshot says otherwise: {odd}")
        return
    for _, event in reversed(told.events):
        if isinstance(event, EditsApplied) and event.candidate == manifest.digest:
            yield from _verify_norms(sites, event)
            return


def _verify_norms(
    sites: Sequence[Mapping[str, JSON]], applied: EditsApplied
) -> Iterator[ExportFinding]:
    solved = {str(row.get("name")): row.get("norm") for row in applied.sites}
    for number, item in enumerate(sites):
        wanted, found = solved.get(str(item.get("name"))), item.get("norm")
        if not close(wanted, found):
            message = (
                f"sites[{number}].norm: its solve says {wanted}, found {found!s:.40}"
            )
            yield finding(EDITS, "proof", message)
            return


def close(wanted: JSON, found: JSON) -> bool:
    """Say whether two norms are the same but for the order of a sum."""
    match wanted, found:
        case (bool(), _) | (_, bool()):
            return False
        case int() | float(), int() | float():
            return math.isclose(wanted, found, rel_tol=CLOSE)
        case _:
            return False
