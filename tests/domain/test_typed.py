"""An entry whose field is of another type is named, before anything is made of it."""

from collections.abc import Mapping

import pytest

from governance.canonical import JSON
from governance.domain.events import EVENTS, EditsChecked, parse_event
from governance.domain.typed import types_of
from governance.errors import IntegrityError

CHECKED = EditsChecked(
    edits=["E-0001"],
    candidate="c",
    evidence="e",
    suite="s",
    policy="p",
    outcome="PASS",
    rules=[{"rule": "specificity"}],
)
SIGNED: Mapping[str, JSON] = {
    "change": "C-0001",
    "decision": "approve",
    "key": "k",
    "statement": {},
    "signature": "s",
}


def test_every_event_has_types() -> None:
    for kind in EVENTS.values():
        assert types_of(kind)


@pytest.mark.parametrize(
    ("field", "lie"),
    [
        ("edits", "E-0001"),
        ("edits", {}),
        ("edits", [["E-0001"]]),
        ("edits", None),
        ("candidate", ["c"]),
        ("candidate", None),
        ("outcome", True),
        ("rules", "none"),
        ("rules", ["none"]),
    ],
)
def test_a_field_of_another_type_is_named(field: str, lie: JSON) -> None:
    with pytest.raises(IntegrityError, match=f"its field {field} is of another type"):
        parse_event("EditsChecked", {**CHECKED.data(), field: lie})


def test_a_statement_is_an_object() -> None:
    with pytest.raises(IntegrityError, match="its field statement is of another type"):
        parse_event("ChangeSigned", {**SIGNED, "statement": "approve"})


def test_what_the_program_writes_is_read_back() -> None:
    assert parse_event("EditsChecked", CHECKED.data()) == CHECKED
    assert parse_event("ChangeSigned", SIGNED).data() == SIGNED
