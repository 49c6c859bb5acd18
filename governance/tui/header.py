"""The first two lines of every screen: where one is, and as whom."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from governance.domain.signoff import Head
from governance.errors import GovernanceError
from governance.service.views import Header
from governance.tui.desk import Desk
from governance.tui.paint import cell, line, own, shown
from governance.tui.words import Tone

SCREENS: Sequence[tuple[str, str, str]] = (
    ("1", "review", "Review"),
    ("2", "ledger", "Ledger"),
    ("3", "models", "Models"),
    ("5", "jobs", "Jobs"),
    ("6", "changes", "Changes"),
)
_KEY = 18


class HeaderBar(Vertical):
    """Workspace, model, policy, key, READ-ONLY; below it the screens."""

    def __init__(self, desk: Desk, here: str) -> None:
        super().__init__(id="header")
        self._desk = desk
        self._here = here

    def compose(self) -> ComposeResult:
        """Lay out both lines."""
        yield Static("", id="header-where")
        yield Static("", id="header-screens")

    def reload(self) -> None:
        """Read the header again."""
        governance = self._desk.governance
        try:
            header, head = governance.header(), governance.head()
        except GovernanceError as error:
            self.query_one("#header-where", Static).update(
                shown(error.message, Tone.BAD)
            )
            return
        self.query_one("#header-where", Static).update(self._where(header))
        self.query_one("#header-screens", Static).update(self._screens(head))

    def _where(self, header: Header) -> Content:
        gap = own(self._desk.glyph("  ·  ", "  |  "), "$rule")
        readonly = header.readonly or self._desk.readonly
        key = header.fingerprint or "no key"
        parts = [
            own("governance", "bold $good"),
            shown(header.workspace.name or str(header.workspace), Tone.STRONG),
            shown(", ".join(header.models) or "no model"),
            line(
                own("policy ", Tone.DIM),
                shown(header.policy_name),
                own(f" {header.policy_version}"),
            ),
            line(
                shown(header.principal or "nobody"),
                " ",
                shown(key[:_KEY], Tone.DIM),
            ),
        ]
        text = gap.join(parts)
        if readonly:
            text = own("READ-ONLY", "bold $wait") + gap + text
        return text

    def _screens(self, head: Head) -> Content:
        parts = []
        for key, name, title in SCREENS:
            here = name == self._here
            parts.append(
                line(
                    own(key, "$good" if here else Tone.DIM),
                    " ",
                    own(title, "bold underline" if here else Tone.DIM),
                )
            )
        left = own("   ").join(parts)
        right = line(
            own(f"entry {head.size}  ", Tone.DIM), shown(head.root[:12], Tone.DIM)
        )
        width = max(self.size.width - 2, 0)
        room = width - right.cell_length
        return cell(left, room) + right if room > left.cell_length else left

    def on_resize(self) -> None:
        """Align the second line anew."""
        self.reload()
