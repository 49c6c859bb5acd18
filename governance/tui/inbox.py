"""The inbox: edits grouped by state, newest first, filtered as somebody types."""

from collections.abc import Sequence
from datetime import datetime

from textual.content import Content

from governance.domain.lifecycle import EditState
from governance.service.views import EditSummary
from governance.tui.desk import Desk
from governance.tui.grid import Column, FixedRows, Row
from governance.tui.paint import age, own, shown
from governance.tui.words import Tone

COLUMNS = (
    Column("id", 6),
    Column("title"),
    Column("evidence", 9),
    Column("age", 4, right=True),
)
# What waits for somebody stands first.
_ORDER = (
    EditState.APPLIED,
    EditState.PROPOSED,
    EditState.LIVE,
    EditState.REVERTED,
    EditState.REJECTED,
    EditState.WITHDRAWN,
)
_MEANING = {
    EditState.APPLIED: "candidate waits for check and sign-off",
    EditState.PROPOSED: "waits to be applied",
    EditState.LIVE: "in what is served",
    EditState.REVERTED: "taken out again",
    EditState.REJECTED: "refused by a reviewer",
    EditState.WITHDRAWN: "taken back by its proposer",
}


def matches(edit: EditSummary, wanted: str) -> bool:
    """Say whether every word of a filter stands somewhere in an edit's line."""
    text = " ".join(
        (
            edit.id,
            edit.title,
            edit.action,
            edit.method,
            edit.model,
            edit.state,
            edit.evidence,
            edit.proposer,
        )
    ).casefold()
    return all(word in text for word in wanted.casefold().split())


def inbox_rows(
    edits: Sequence[EditSummary], wanted: str, desk: Desk, *, model: str = ""
) -> FixedRows:
    """Group edits under a heading per state.

    Args:
        edits: Newest first.
        wanted: Filter words; empty for all.
        desk: Glyphs and the wall clock.
        model: Only this model's edits; empty for all.
    """
    kept = [
        edit
        for edit in edits
        if matches(edit, wanted) and (not model or edit.model == model)
    ]
    now = desk.now()
    rows: list[Row] = []
    for state in _ORDER:
        group = [edit for edit in kept if edit.state is state]
        if not group:
            continue
        if rows:
            rows.append(Row(None, (Content(""), Content(""))))
        rows.append(_heading(state, len(group), desk))
        rows += [_edit_row(edit, now, desk) for edit in group]
    return FixedRows(rows)


def _heading(state: EditState, count: int, desk: Desk) -> Row:
    name = desk.badge(state) + own(f"  {_MEANING[state]}", Tone.DIM)
    return Row(None, (name, own(str(count), Tone.DIM)))


def _edit_row(edit: EditSummary, now: datetime, desk: Desk) -> Row:
    return Row(
        edit.id,
        (
            shown(edit.id, Tone.DIM),
            shown(edit.title),
            desk.badge(edit.evidence),
            own(age(edit.time, now), Tone.DIM),
        ),
    )
