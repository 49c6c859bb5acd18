"""The pages of an export that people read: made of the rest of it, and nothing else."""

from collections.abc import Callable, Iterator

from governance.ledger.store import ObjectStore
from governance.snapshots.card import model_card
from governance.snapshots.names import CARD, REPORT
from governance.snapshots.parts import Exporting, Part
from governance.snapshots.report import report_page
from governance.snapshots.report_evidence import evidence_facts


def card_of(about: Exporting, read: Callable[[str], bytes]) -> bytes:
    """Return ``README.md``.

    Args:
        about: The export.
        read: Reads evidence by digest.
    """
    found = [
        evidence_facts(one.digest, read, pictures=False)
        for one in about.inputs.evidence
    ]
    files = [item for item in about.files if item.path != CARD]
    return model_card(
        about.inputs, about.norms, about.left_out, about.derivation, files, found
    )


def report_of(about: Exporting, read: Callable[[str], bytes]) -> bytes:
    """Return ``report.html``.

    Args:
        about: The export.
        read: Reads evidence, or a picture of it, by digest.
    """
    found = [evidence_facts(one.digest, read) for one in about.inputs.evidence]
    return report_page(about, found)


def card_part(store: ObjectStore) -> Part:
    """Return the part of an export that writes the model card.

    Args:
        store: Where evidence lies.
    """

    def write(about: Exporting) -> Iterator[tuple[str, bytes]]:
        yield CARD, card_of(about, store.get)

    return write


def report_part(store: ObjectStore) -> Part:
    """Return the part of an export that writes the report.

    Args:
        store: Where evidence and its pictures lie.
    """

    def write(about: Exporting) -> Iterator[tuple[str, bytes]]:
        yield REPORT, report_of(about, store.get)

    return write
