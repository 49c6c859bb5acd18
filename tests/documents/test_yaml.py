from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.canonical import JSON
from governance.documents.fields import Field
from governance.documents.nodes import node_of
from governance.documents.yaml import MAX_BYTES, parse_documents, read_documents
from governance.errors import GovernanceError, NotFoundError, RequestError


def value_of(text: str) -> JSON:
    [node] = parse_documents(text, "a.yaml")
    return Field(node, file="a.yaml").json()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", "a.yaml:3: duplicate key `a`, first on line 1"),
        ("a: &x 1\nb: *x\n", "a.yaml:1: YAML anchors and aliases are refused"),
        ("a: 1\nb: *x\n", "a.yaml:2: YAML anchors and aliases are refused"),
        ("a: !!python/object:os.system {}\n", "a.yaml:1: YAML tags are refused"),
        ("a: !!str 1\n", "a.yaml:1: YAML tags are refused"),
        ("a: [1, 2\n", "a.yaml:2: not valid YAML"),
        ("a:\n\tb: 1\n", "a.yaml:2: not valid YAML"),
        ("? [a, b]\n: 1\n", "a.yaml:1: expected a word as key"),
        ("", "a.yaml: expected a YAML document, found an empty file"),
        ("a: \x07\n", "a.yaml: not valid YAML"),
        ("[" * 30 + "]" * 30, "a.yaml:1: expected at most 24 levels of nesting"),
    ],
)
def test_what_has_no_single_meaning_is_refused(text: str, problem: str) -> None:
    with pytest.raises(RequestError) as caught:
        value_of(text)

    assert caught.value.message.startswith(problem)
    assert caught.value.hint


def test_a_very_deep_document_is_refused_before_it_is_built() -> None:
    with pytest.raises(RequestError, match="levels of nesting"):
        value_of("[" * 200_000)


@pytest.mark.parametrize(
    "written",
    [
        "no",
        "Yes",
        "on",
        "12:30:00",
        "2024-01-02",
        "0x1f",
        "010",
        "1_000",
        ".nan",
        ".inf",
    ],
)
def test_a_yaml_trap_is_neither_text_nor_number(written: str) -> None:
    with pytest.raises(RequestError) as caught:
        value_of(f"a: 1\nb: {written}\n")

    assert f"a.yaml:2: b: expected a value, found plain `{written}`" in str(
        caught.value
    )
    assert "quotes" in caught.value.hint


@pytest.mark.parametrize("written", ["1.10", "17", "true", "null", "1e-3"])
def test_what_is_no_text_does_not_become_text(written: str) -> None:
    [node] = parse_documents(f"version: {written}\n", "a.yaml")

    with pytest.raises(RequestError) as caught:
        Field(node, file="a.yaml").entries()["version"].text(100)

    assert str(caught.value) == (
        f"a.yaml:1: version: expected text, found `{written}` (not text without quotes)"
    )


@pytest.mark.parametrize("written", ["no", "1.10", "12:30:00", "2024-01-02", "null"])
def test_quotes_make_text_of_everything(written: str) -> None:
    assert value_of(f'a: "{written}"') == {"a": written}


def test_plain_numbers_and_truth_values_are_themselves() -> None:
    text = "{a: 1, b: -0.5, c: 1e-3, d: true, e: null, f: 1.0e+12, g: a word}"

    assert value_of(text) == {
        "a": 1,
        "b": -0.5,
        "c": 0.001,
        "d": True,
        "e": None,
        "f": 1e12,
        "g": "a word",
    }


def test_an_integer_that_canonical_json_cannot_hold_is_refused() -> None:
    assert value_of("a: 9007199254740991") == {"a": 2**53 - 1}
    with pytest.raises(RequestError, match="9007199254740992"):
        value_of("a: 9007199254740992")


@pytest.mark.parametrize("escape", [r"\e[2J", r"\0", r"\x9b", r"\u202E", r"\U000E0041"])
def test_an_escaped_control_character_is_refused(escape: str) -> None:
    with pytest.raises(RequestError, match="expected text without control characters"):
        value_of(f'a: "x{escape}"')


def test_several_documents_keep_their_lines() -> None:
    first, second = parse_documents("a: 1\n---\nb: 2\n", "a.yaml")

    assert first.line == 1
    assert second.line == 3


def test_a_file_that_is_not_utf8_names_byte_and_line(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"a: 1\nb: \xff\n")

    with pytest.raises(RequestError) as caught:
        read_documents(path)

    assert str(caught.value) == (
        "a.yaml:2: expected UTF-8 text, found byte 0xff at offset 8"
    )


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"#" * (MAX_BYTES + 1))

    with pytest.raises(RequestError, match="expected at most 4,194,304 bytes"):
        read_documents(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        read_documents(tmp_path / "none.yaml")
    with pytest.raises(RequestError, match="cannot be read: Is a directory"):
        read_documents(tmp_path)


def test_a_byte_order_mark_is_not_part_of_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")

    assert Field(read_documents(path)[0]).json() == {"a": 1}


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(categories=["L", "N", "P", "Zs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(JSON_VALUES)
def test_json_survives_being_read_as_a_document(value: JSON) -> None:
    assert Field(node_of(value)).json() == value


@given(st.text(max_size=200))
def test_any_text_is_a_document_or_a_clear_refusal(text: str) -> None:
    problem = ""
    try:
        for node in parse_documents(text, "a.yaml"):
            Field(node, file="a.yaml").json()
    except GovernanceError as error:
        problem = error.message
    assert problem.isprintable()
