"""The keys that work here and now, read from the bindings themselves."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from governance.tui.paint import cell, line, lines, own
from governance.tui.words import Tone

_NAMES = {
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "question_mark": "?",
    "slash": "/",
    "space": "space",
}


_PICTURES = frozenset(
    {"seed", "prompt", "blink", "flip", "wipe", "difference", "layout", "slide"}
)
_SECTIONS: Mapping[str, Callable[[str], bool]] = {
    "Decisions": lambda action: action.startswith("decide("),
    "Screens": lambda action: action.startswith("go("),
    "Pictures": lambda action: action.split("(")[0] in _PICTURES,
    "Here": lambda _: True,
}


def key_lines(bindings: Mapping[str, ActiveBinding]) -> list[Content]:
    """Return one line per action, with every key that leads to it, by section."""
    keys: dict[tuple[str, str], list[str]] = {}
    for active in bindings.values():
        binding = active.binding
        if binding.description and not binding.system:
            place = keys.setdefault((binding.action, binding.description), [])
            place.append(_NAMES.get(binding.key, binding.key))
    rows: list[Content] = []
    for title, section in _SECTIONS.items():
        found = [item for item in keys.items() if section(item[0][0])]
        for (action, description), names in found:
            del keys[action, description]
            rows.append(
                line(cell(own("  ".join(names), "bold $good"), 22), own(description))
            )
        if found:
            rows.insert(len(rows) - len(found), own(title, Tone.DIM))
            rows.append(Content(""))
    return rows


class HelpScreen(ModalScreen[None]):
    """Lists keys; any of Esc, ? and q closes it.

    Args:
        bindings: What is active where help was asked for.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "dismiss", "Close"),
    ]

    def __init__(self, bindings: Mapping[str, ActiveBinding]) -> None:
        super().__init__()
        self._lines = key_lines(bindings)

    def compose(self) -> ComposeResult:
        """List the keys."""
        with VerticalScroll(id="help"):
            yield Static(own("Keys", Tone.STRONG))
            yield Static(own("Capitals open a panel; nothing is decided", Tone.DIM))
            yield Static(own("before you type a digest's last four.", Tone.DIM))
            yield Static("")
            yield Static(lines(self._lines))
