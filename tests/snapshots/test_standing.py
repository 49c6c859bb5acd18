"""An export says whether its snapshot was live when it was written."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from governance.domain.events import SnapshotActivated
from governance.ledger.store import ObjectStore
from governance.pipeline.folder import PipelineFolder
from governance.snapshots.card import model_card
from governance.snapshots.export import export_diffusers
from governance.snapshots.inputs import ExportInputs
from governance.snapshots.names import CARD
from governance.snapshots.parts import Exporting
from governance.snapshots.report import report_page
from governance.snapshots.verify import verify_export
from tests.snapshots.conftest import inputs_for
from tests.snapshots.logs import Chronicle, begun, cited, revert, sign
from tests.snapshots.people import BOB, TIME, rollback
from tests.snapshots.test_pages import seal
from tests.snapshots.test_verify import named

LATER = "2026-04-05T06:07:08Z"


@pytest.fixture
def base_only(folder: PipelineFolder, store: ObjectStore) -> ExportInputs:
    return inputs_for(folder, store, (), {})


def after(inputs: ExportInputs, happens: Callable[[Chronicle], object]) -> ExportInputs:
    """The inputs, exported after something else happened."""
    log = begun(inputs)
    signoffs = sign(log, inputs)
    happens(log)
    return cited(inputs, log, signoffs)


def said(inputs: ExportInputs) -> tuple[str, str]:
    about = Exporting(inputs, (), (), {}, None, inputs.folder.files)
    card = model_card(inputs, (), ()).decode().replace("\\", "")
    return card.split("## 1.")[0], report_page(about, []).decode().split("<nav")[0]


def taken_back(inputs: ExportInputs, base: ExportInputs) -> ExportInputs:
    def take_back(log: Chronicle) -> None:
        said = rollback(base, BOB, log.head(), inputs.edits[0])
        revert(log, base, "E-0001", replace(said, time=LATER))

    return after(inputs, take_back)


def test_a_live_snapshot_is_told_to_be_live(inputs: ExportInputs) -> None:
    for page in said(inputs):
        assert f"This snapshot was live when this was written, since {TIME}" in page


def test_a_snapshot_that_was_taken_back_says_so_above_everything(
    inputs: ExportInputs, base_only: ExportInputs
) -> None:
    gone = taken_back(inputs, base_only)
    entry = gone.head.size - 1  # The last entry records the model signing key.
    wanted = (
        f"This snapshot was taken back on {LATER} (entry {entry}); it was not live "
        "when this was written."
    )
    card, report = said(gone)
    assert f"**{wanted}**" in card
    assert f'<p class="warning">{wanted}' in report or report.count(wanted) == 2


def test_a_snapshot_that_others_replaced_says_so(inputs: ExportInputs) -> None:
    event = SnapshotActivated("miniature", "1" * 64, inputs.snapshot.digest, [])
    gone = after(inputs, lambda log: log.add(event, "x", LATER))
    for page in said(gone):
        assert "was replaced by another set of edits on" in page


def test_another_models_snapshots_do_not_count(inputs: ExportInputs) -> None:
    event = SnapshotActivated("another", "1" * 64, inputs.snapshot.digest, [])
    for page in said(after(inputs, lambda log: log.add(event, "x", LATER))):
        assert "was live when this was written" in page


def test_the_base_says_that_edits_replaced_it(base_only: ExportInputs) -> None:
    event = SnapshotActivated("miniature", "1" * 64, "2" * 64, ["E-0001"])
    gone = after(base_only, lambda log: log.add(event, "x", LATER))
    for page in said(gone):
        assert "The base model, unedited, was replaced by another set of edits" in page
    for page in said(base_only):
        assert "The base model, unedited, was live when this was written" in page


def test_the_verdict_repeats_it_and_a_page_without_it_is_found(
    inputs: ExportInputs, base_only: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    gone = taken_back(inputs, base_only)
    out = export_diffusers(gone, store, tmp_path / "out").path
    verdict = verify_export(out)
    assert verdict.ok, verdict.findings
    assert verdict.checked["live"] is False
    assert "taken back on" in str(verdict.checked["standing"])
    card = out / CARD
    card.write_text(card.read_text().replace("it was not live", "it was always live"))
    seal(out, CARD)
    assert (CARD, "proof") in named(out)
