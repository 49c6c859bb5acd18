"""Strangers' words stay words, whoever renders the page."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from governance.snapshots.markup import code, words
from governance.text import safe

_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
HOSTILE = st.text(st.sampled_from("ab 1.)-+=#>*_`~[](){}!<>|&\\:@/$^\"'\n\t\x1b\u202e"))


@settings(deadline=None)
@given(HOSTILE | st.text())
@pytest.mark.parametrize("before", ["", "- ", "# ", "text "])
def test_any_text_renders_as_itself(before: str, text: str) -> None:
    shown = safe(text, 500).strip()
    tokens = _MARKDOWN.parse(f"{before}{words(text)}")
    inline = [token for token in tokens if token.type == "inline"]
    found = [child for token in inline for child in token.children or ()]
    assert {child.type for child in found} <= {"text"}
    expected = f"text {shown}".strip() if before == "text " else shown
    assert "".join(child.content for child in found) == expected
    lists = [token for token in tokens if token.type.endswith("list_open")]
    assert len(lists) == (before == "- ")


@settings(deadline=None)
@given(HOSTILE | st.text())
def test_any_text_stays_in_its_code_span(text: str) -> None:
    (inline,) = [t for t in _MARKDOWN.parse(f"x {code(text)} y") if t.type == "inline"]
    kinds = [child.type for child in inline.children or ()]
    assert kinds == (["text", "code_inline", "text"] if text else ["text"])


@settings(deadline=None)
@given(HOSTILE)
def test_a_cell_stays_one_cell(text: str) -> None:
    page = f"| a | b |\n| --- | --- |\n| {words(text)} | {code('x' + text)} |"
    cells = [t for t in _MARKDOWN.parse(page) if t.type == "td_open"]
    assert len(cells) == 2


@pytest.mark.parametrize(
    "text",
    [
        *("https://evil.example", "www.evil.example", "www.163.example"),
        *("me@evil.example", "@everyone"),
    ],
)
def test_no_address_becomes_a_link_by_itself(text: str) -> None:
    escaped = words(text)
    assert "https:" not in escaped
    assert "www." not in escaped
    assert r"\@" in escaped or "@" not in escaped
