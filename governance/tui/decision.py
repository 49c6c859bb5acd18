"""The docked panel through which alone anything is decided."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Input, Static

from governance.tui import paint
from governance.tui.acts import Field, Matter
from governance.tui.consent import DIGITS, Consent
from governance.tui.evidence import rule_words
from governance.tui.paint import cell, line, own, shown
from governance.tui.words import Tone

_MOST_RULES = 3


class DecisionPanel(Vertical):
    """Shows what is signed; Cancel has the focus; typing four digits confirms.

    Args:
        matter: What is being decided.
        clock: Seconds, monotonic.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", priority=True),
        # At once, not when the focused field gets to it: over a slow line Tab and the
        # four characters come in one piece, and would all land in the field before.
        Binding("tab", "app.focus_next", "Next field", priority=True),
        Binding("shift+tab", "app.focus_previous", "Previous field", priority=True),
    ]
    HINTS: ClassVar[str] = (
        "tab next field   type the last four characters to confirm   esc cancel"
    )

    class Cancelled(Message):
        """Nothing was decided."""

    @dataclass
    class Confirmed(Message):
        """The four characters were right and nothing is missing."""

        matter: Matter
        text: str

    def __init__(self, matter: Matter, clock: Callable[[], float]) -> None:
        super().__init__(id="decision")
        self._clock = clock
        self.consent = Consent(matter, clock())
        self.settled = False

    def compose(self) -> ComposeResult:
        """Lay out facts above, fields below."""
        matter = self.consent.matter
        with VerticalScroll(id="decision-scroll"):
            yield Static(paint.lines(_facts(matter)), id="decision-facts")
        yield Static("", id="decision-word")
        with Horizontal(id="decision-fields"):
            yield Button("Cancel", id="decision-cancel", compact=True)
            if matter.act.asks is not Field.NOTHING:
                yield Static(own(f"{matter.act.asks} ", Tone.DIM), classes="caption")
                yield Input(matter.folder, id="decision-text", compact=True)
            yield Static(_invitation(self.consent), classes="caption")
            yield Input(max_length=DIGITS, id="decision-confirm", compact=True)

    def on_mount(self) -> None:
        """Give Cancel the focus: a stray Enter closes, nothing else."""
        self.query_one("#decision-cancel").focus()

    def deaf(self) -> bool:
        """Whether keys are still too early to be meant."""
        return self.consent.deaf(self._clock())

    def astray(self, event: events.Key) -> bool:
        """Say whether a letter or digit was typed while no field has the focus.

        It was meant for a field: here it would move to another screen, or leave.
        """
        focused = self.screen.focused
        if focused is None or isinstance(focused, Input):
            return False
        typed = (event.character or "").isalnum()
        return typed and self in focused.ancestors

    def point(self) -> None:
        """Say how to get to the fields, unless something worse was said."""
        if self.settled:
            return
        word = own("nothing was typed: Tab goes to the fields first", Tone.WAIT)
        self.query_one("#decision-word", Static).update(word)

    def object(self, text: str) -> None:
        """Say why nothing happened, and let the person type again."""
        self.settled = False
        self.query_one("#decision-word", Static).update(shown(text, Tone.BAD))
        self.query_one("#decision-confirm", Input).value = ""

    def outdate(self, text: str) -> None:
        """Refuse to go on: what is shown is no longer what would be signed."""
        self.object(text)
        self.settled = True
        self.query_one("#decision-confirm", Input).disabled = True
        self.query_one("#decision-cancel").focus()

    @on(Input.Changed, "#decision-confirm")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self.settled or not event.value:
            return
        fields = self.query("#decision-text").results(Input)
        text = next((item.value for item in fields), "")
        objection = self.consent.objection(event.value, text)
        if objection is None:
            self.settled = True
            self.post_message(self.Confirmed(self.consent.matter, text.strip()))
        elif objection:
            self.object(objection)

    @on(Button.Pressed, "#decision-cancel")
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_cancel()

    def action_cancel(self) -> None:
        """Close the panel; nothing was decided."""
        self.post_message(self.Cancelled())


def _invitation(consent: Consent) -> Content:
    return line(
        own("  type ", Tone.DIM),
        shown(consent.expected, Tone.STRONG),
        own(f" to {consent.matter.act.label.lower()} ", Tone.DIM),
    )


def _facts(matter: Matter) -> Iterator[Content]:
    yield line(
        own(matter.act.label.upper(), "bold $wait"),
        "  ",
        shown(matter.subject, Tone.STRONG),
        "  ",
        shown(matter.title),
    )
    yield own(matter.act.effect, Tone.DIM)
    for name, value in matter.facts:
        yield _fact(name, shown(value))
    yield from _rule_facts(matter)
    if matter.missing:
        yield _fact("missing", shown("; ".join(matter.missing), Tone.WAIT))
    if matter.viewed:
        yield _fact("viewed", own(matter.viewed))
    for name, digest in matter.digests:
        yield _fact(name, _digest(digest, confirms=digest == matter.confirm))
    yield _fact("head", line(f"{matter.seen.size}  ", shown(matter.seen.root)))


def _rule_facts(matter: Matter) -> Iterator[Content]:
    if not matter.rules:
        if matter.passed:
            yield _fact("rules", own(f"all {matter.passed} pass", Tone.GOOD))
        return
    for place, rule in enumerate(matter.rules[:_MOST_RULES]):
        yield _fact("rules" if place == 0 else "", rule_words(rule))
        if rule.message:
            yield _fact("", shown(rule.message, Tone.DIM))
    more = len(matter.rules) - _MOST_RULES
    if more > 0:
        yield _fact("", own(f"and {more} more that do not pass", Tone.BAD))


def _fact(name: str, value: Content) -> Content:
    return cell(own(name, Tone.DIM), 11) + value


def _digest(digest: str, *, confirms: bool) -> Content:
    if not confirms:
        return shown(digest)
    return shown(digest[:-DIGITS]) + shown(digest[-DIGITS:], "bold $wait")
