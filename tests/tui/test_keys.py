"""One name per key, and none that a terminal or tmux takes away."""

import pytest
from textual.binding import Binding
from textual.widget import Widget

from governance.tui.acts import REVIEW_ACTS
from governance.tui.app import GovernanceApp
from governance.tui.detail import Detail
from governance.tui.grid import Grid
from governance.tui.screens.changes import ChangesScreen
from governance.tui.screens.jobs import JobsScreen
from governance.tui.screens.ledger import LedgerScreen
from governance.tui.screens.models import ModelsScreen
from governance.tui.screens.review import ReviewScreen
from governance.tui.tabs import ScrollText

SCREENS = (ReviewScreen, LedgerScreen, ModelsScreen, JobsScreen, ChangesScreen)
PARTS: tuple[type[Widget], ...] = (Grid, Detail, ScrollText)
TAKEN = {f"ctrl+{letter}" for letter in "absqzjmih"}


def keys(kind: object) -> dict[str, str]:
    """Every key of a class's own bindings and the name of what it does."""
    found: dict[str, str] = {}
    for binding in Binding.make_bindings(kind.__dict__.get("BINDINGS", [])):
        assert binding.key not in found, f"{kind}: {binding.key} twice"
        found[binding.key] = binding.description
    return found


@pytest.mark.parametrize("screen", SCREENS)
def test_no_key_of_a_screen_hides_one_of_the_program(screen: type) -> None:
    everywhere = keys(GovernanceApp) | keys(ReviewScreen.__mro__[1])
    assert everywhere.keys().isdisjoint(keys(screen))


def test_a_key_means_the_same_on_every_screen() -> None:
    meanings: dict[str, set[str]] = {}
    for screen in SCREENS:
        for key, name in keys(screen).items():
            meanings.setdefault(key, set()).add(name)
    clashes = {key: names for key, names in meanings.items() if len(names) > 1}
    # Copying and opening name their object; the key is the same verb.
    assert clashes == {}


def test_no_part_takes_a_decision_key() -> None:
    decisions = {act.key for act in REVIEW_ACTS} | {"L", "n"}
    for part in PARTS:
        assert decisions.isdisjoint(keys(part))


def test_decisions_are_capitals_as_people_know_them() -> None:
    names = {act.key: act.label for act in REVIEW_ACTS}
    assert names == {
        "A": "Approve",
        "X": "Reject",
        "P": "Apply",
        "C": "Check",
        "U": "Revert",
        "E": "Export",
        "W": "Withdraw",
    }


def test_no_key_is_one_a_terminal_or_tmux_takes() -> None:
    for kind in (GovernanceApp, *SCREENS, *PARTS):
        assert TAKEN.isdisjoint(keys(kind))
