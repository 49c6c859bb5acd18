"""Everything about the chosen edit, beside or instead of the inbox."""

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from governance.service.views import EditDetail, ImageSet
from governance.tui.acts import REVIEW_ACTS
from governance.tui.changes import changes_content
from governance.tui.compare import Compare
from governance.tui.desk import Desk
from governance.tui.evidence import evidence_content
from governance.tui.paint import age, line, own, shown
from governance.tui.signatures import signatures_content
from governance.tui.tabs import ScrollText, TabRow
from governance.tui.words import Tone

TABS = ("Compare", "Diff", "Evidence", "Signatures")


class Detail(Vertical):
    """Title, tabs, and the row of decisions with why some are impossible."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l,right", "tab(1)", "Next tab", key_display="l"),
        Binding("h,left", "tab(-1)", "Previous tab", key_display="h"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(id="detail")
        self._desk = desk
        self.shown_edit: EditDetail | None = None
        self.reasons: Mapping[str, str] = {}

    def compose(self) -> ComposeResult:
        """Lay out from top to bottom."""
        yield Static("", id="detail-title")
        yield Static("", id="detail-meta")
        yield TabRow(TABS, id="detail-tabs")
        with ContentSwitcher(initial="compare", id="detail-body"):
            yield Compare(ascii_only=self._desk.ascii_only, id="compare")
            yield ScrollText(id="diff")
            yield ScrollText(id="evidence")
            yield ScrollText(id="signatures")
        yield Static("", id="detail-acts")

    @property
    def compare(self) -> Compare:
        """The pictures."""
        return self.query_one("#compare", Compare)

    @property
    def body(self) -> Widget:
        """The chosen tab's widget."""
        name = self.query_one("#detail-tabs", TabRow).chosen.lower()
        return self.query_one(f"#{name}")

    def show(
        self,
        edit: EditDetail,
        images: tuple[ImageSet, ...],
        reasons: Mapping[str, str],
        problem: str = "",
    ) -> None:
        """Show an edit.

        Args:
            edit: The edit.
            images: Images of its newest evidence.
            reasons: Why each decision is impossible; empty where it is possible.
            problem: Why there are no images, in words.
        """
        top = self.shown_edit is None or self.shown_edit.id != edit.id
        self.shown_edit, self.reasons = edit, reasons
        ascii_only = self._desk.ascii_only
        self.query_one("#detail-title", Static).update(_title(edit))
        self.query_one("#detail-meta", Static).update(_meta(edit, self._desk))
        self.compare.show(images, problem)
        self.query_one("#diff", ScrollText).show(
            lambda width: changes_content(edit, width, ascii_only=ascii_only), top=top
        )
        self.query_one("#evidence", ScrollText).show(
            lambda width: evidence_content(edit, width, ascii_only=ascii_only), top=top
        )
        self.query_one("#signatures", ScrollText).show(
            lambda _: signatures_content(edit), top=top
        )
        self.query_one("#detail-acts", Static).update(_acts(edit.id, reasons))

    def grow_older(self) -> None:
        """Draw the edit's age anew."""
        if self.shown_edit is not None:
            meta = _meta(self.shown_edit, self._desk)
            self.query_one("#detail-meta", Static).update(meta)

    def clear(self, text: str) -> None:
        """Show that there is nothing to show, and why."""
        self.shown_edit, self.reasons = None, {}
        self.query_one("#detail-title", Static).update(shown(text, Tone.DIM))
        self.query_one("#detail-meta", Static).update("")
        self.compare.show((), " ")
        for name in ("#diff", "#evidence", "#signatures"):
            self.query_one(name, ScrollText).show(lambda _: Content(""), top=True)
        self.query_one("#detail-acts", Static).update("")

    def choose(self, name: str) -> None:
        """Show another tab."""
        within = self.has_focus_within
        self.query_one("#detail-tabs", TabRow).choose(name)
        self.query_one("#detail-body", ContentSwitcher).current = name.lower()
        if within:
            self.body.focus()

    def action_tab(self, step: int) -> None:
        """Show the neighbouring tab."""
        name = self.query_one("#detail-tabs", TabRow).step(step)
        if name is not None:
            self.choose(name)

    @on(TabRow.Chosen)
    def _clicked(self, event: TabRow.Chosen) -> None:
        event.stop()
        self.choose(event.name)


def _title(edit: EditDetail) -> Content:
    return shown(edit.summary.title, Tone.STRONG)


def _meta(edit: EditDetail, desk: Desk) -> Content:
    summary = edit.summary
    waiting = "; ".join(item.removeprefix(f"{edit.id}: ") for item in edit.missing)
    together = [item for item in edit.candidate_edits if item != edit.id]
    facts = f"{edit.id}  {summary.action} by {summary.method}"
    return line(
        desk.badge(edit.state),
        "  ",
        desk.badge(edit.evidence),
        own("   "),
        shown(facts, Tone.DIM),
        own(f"  {age(summary.time, desk.now())} ago by ", Tone.DIM),
        shown(f"{summary.proposer}  on {summary.model}", Tone.DIM),
        "\n",
        own("one candidate with ", Tone.DIM) if together else "",
        shown(", ".join(together) + "  " if together else "", Tone.WAIT),
        own("missing: ", Tone.DIM) if waiting else "",
        shown(waiting, Tone.WAIT),
        shown(summary.rollback, Tone.WAIT),
    )


def _acts(edit_id: str, reasons: Mapping[str, str]) -> Content:
    keys = []
    for act in REVIEW_ACTS:
        possible = not reasons.get(act.name, "unknown")
        keys.append(
            line(
                own(act.key, "bold $good" if possible else Tone.DIM),
                own(f" {act.label}", "" if possible else "$dim strike"),
            )
        )
    refused: dict[str, list[str]] = {}
    for act in REVIEW_ACTS:
        reason = reasons.get(act.name, "").removeprefix(f"{edit_id}: ")
        if reason:
            refused.setdefault(reason, []).append(act.key)
    whys = [
        line(own(" ".join(names), Tone.DIM), own("  "), shown(reason, Tone.DIM))
        for reason, names in refused.items()
    ]
    return Content("\n").join([Content("  ").join(keys), Content("   ").join(whys)])
