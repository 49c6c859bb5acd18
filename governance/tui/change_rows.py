"""Changes of policy and roster: the list, and exactly what one changes."""

from collections.abc import Iterator, Mapping, Sequence

from textual.content import Content

from governance.canonical import JSON
from governance.domain.change import ChangeKind, ChangeState
from governance.service.change_records import ChangeDetail, ChangeSummary
from governance.service.policy_difference import policy_difference
from governance.service.views import ReviewerView
from governance.tui.change_acts import CHANGE_ACTS
from governance.tui.desk import Desk
from governance.tui.evidence import heading
from governance.tui.grid import Column, FixedRows, Row
from governance.tui.paint import age, hanging, line, own, paragraph, shown
from governance.tui.signatures import fingerprint, signature_rows
from governance.tui.words import Tone

COLUMNS = (
    Column("id", 6),
    Column("state", 10),
    Column("what"),
    Column("age", 4, right=True),
)
# What waits for somebody stands first.
_ORDER = (ChangeState.PROPOSED, ChangeState.ACTIVE, ChangeState.REJECTED)
_CONTEXT = 2
_KEY = 10
"""Characters of a fingerprint; a list has no room for all of it."""
_MARKS = {
    "-": ("- ", Tone.WAIT),
    "+": ("+ ", Tone.GOOD),
    " ": ("  ", Tone.DIM),
}


def change_rows(changes: Sequence[ChangeSummary], desk: Desk) -> FixedRows:
    """Lay out the list: what waits for signatures first, newest first."""
    ordered = sorted(changes, key=lambda item: _ORDER.index(item.state))
    return FixedRows([_row(item, desk) for item in ordered])


def _row(change: ChangeSummary, desk: Desk) -> Row:
    return Row(
        change.id,
        (
            shown(change.id, Tone.DIM),
            desk.badge(change.state),
            line(shown(change.summary), _key(change.fingerprint)),
            own(age(change.time, desk.now()), Tone.DIM),
        ),
    )


def _key(fingerprint: str) -> Content:
    """Return the beginning of a key's fingerprint: a name alone says nothing."""
    digits = fingerprint.removeprefix("SHA256:")[:_KEY]
    return shown(f"  {digits}" if digits else "", Tone.DIM)


def change_lines(
    detail: ChangeDetail, reviewers: Sequence[ReviewerView], desk: Desk, width: int
) -> list[Content]:
    """Lay out one change: what it changes, what is missing, who signed.

    Args:
        detail: The change.
        reviewers: The roster, for what somebody who leaves holds.
        desk: Glyphs and the wall clock.
        width: Cells available.
    """
    rows = [
        line(desk.badge(detail.state), "  ", shown(detail.id, Tone.DIM)),
        *hanging(Content(""), shown(detail.summary, Tone.STRONG), width),
        line(
            own(f"proposed {age(detail.time, desk.now())} ago by ", Tone.DIM),
            shown(detail.proposer, Tone.DIM),
        ),
        Content(""),
    ]
    if detail.kind is ChangeKind.POLICY:
        rows += _policy(detail, width)
    else:
        rows += _person(detail, reviewers, width)
    rows.append(Content(""))
    rows += signature_rows(
        detail.missing,
        detail.signoffs,
        detail.verify_lines,
        nobody="nobody has signed this change",
    )
    return [*rows, Content(""), heading("Digest"), line("  ", shown(detail.digest))]


def _policy(detail: ChangeDetail, width: int) -> Iterator[Content]:
    yield heading("What changes in the policy")
    if detail.document is None or detail.in_force is None:
        yield own("  the policy cannot be read", Tone.BAD)
        return
    found = policy_difference(detail.in_force, detail.document, context=_CONTEXT)
    if not found:
        yield own("  nothing: it is what is in force", Tone.DIM)
        return
    yield line(
        "  ",
        own("- in force now", Tone.WAIT),
        "   ",
        own("+ proposed", Tone.GOOD),
        own("   other lines stay", Tone.DIM),
    )
    for text in found[2:]:
        if text.startswith("@@"):
            yield own("  ...", Tone.DIM)
            continue
        mark, tone = _MARKS[text[:1]]
        yield from hanging(own(f"  {mark}", tone), shown(text[1:], tone), width)


def _person(
    detail: ChangeDetail, reviewers: Sequence[ReviewerView], width: int
) -> Iterator[Content]:
    subject = detail.subject
    joins = detail.kind is ChangeKind.REVIEWER_ADD
    key = str(subject.get("key", ""))
    yield heading("Who joins the roster" if joins else "Whose key stops counting")
    mark, tone = _MARKS["+" if joins else "-"]
    name = shown(subject.get("principal", ""), Tone.STRONG)
    yield from hanging(own(f"  {mark}", tone), name, width)
    roles = subject.get("roles") if joins else _held(reviewers, subject)
    listed = ", ".join(map(str, roles)) if isinstance(roles, list | tuple) else ""
    yield from _fact("roles", shown(listed or "none"), width)
    yield from _fact("fingerprint", shown(fingerprint(key)), width)
    yield from _fact("key", shown(key, Tone.DIM), width)
    if not joins:
        for text in paragraph(subject.get("reason", "")):
            yield from _fact("reason", text, width)


def _held(
    reviewers: Sequence[ReviewerView], subject: Mapping[str, JSON]
) -> tuple[str, ...]:
    name, key = subject.get("principal"), subject.get("key")
    found = (one.roles for one in reviewers if (one.principal, one.key) == (name, key))
    return next(found, ())


def _fact(name: str, value: Content, width: int) -> Iterator[Content]:
    yield from hanging(own(f"    {name:<12}", Tone.DIM), value, width)


def acts_line(reasons: Mapping[str, str]) -> Content:
    """Lay out both decisions; an impossible one stays, with the reason."""
    keys = []
    for act in CHANGE_ACTS:
        possible = not reasons.get(act.name, "unknown")
        keys.append(
            line(
                own(act.key, "bold $good" if possible else Tone.DIM),
                own(f" {act.label}", "" if possible else "$dim strike"),
            )
        )
    whys = dict.fromkeys(reason for reason in reasons.values() if reason)
    text = shown("; ".join(whys), Tone.DIM)
    return Content("\n").join([Content("  ").join(keys), text])
