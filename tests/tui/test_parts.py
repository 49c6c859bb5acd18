"""Bars, numbers, ages, fingerprints, lists and crash files, one by one."""

import io
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.content import Content

from governance.canonical import JSON
from governance.errors import UsageError
from governance.identity.keys import generate_key
from governance.service.views import RuleResult
from governance.tui import crash, paint
from governance.tui.app import GovernanceApp, run
from governance.tui.bars import PLAIN, bar, limit_values
from governance.tui.evidence import tree, with_wanted
from governance.tui.grid import Column, FixedRows, Grid, Row
from governance.tui.ledger_rows import about
from governance.tui.names import shared_ends, without_ends
from governance.tui.signatures import fingerprint
from governance.tui.words import Tone
from tests.tui.fake import FakeGovernance

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def share(
    value: float | None, low: float | None, high: float | None, limit: str
) -> RuleResult:
    return RuleResult("r", "PASS", value, limit, "ci_lower", 10, low, high)


@pytest.mark.parametrize(
    ("rule", "drawn"),
    [
        (share(0.5, 0.3, 0.7, ">= 0.9"), "===--o--.|."),
        (share(0.5, 0.3, 0.7, "no number"), "===--o--..."),
        (share(0.5, 0.4, 0.6, "0.5 +- 0.3"), "==|=-o-.|.."),
        (share(1.0, 1.0, 1.0, ">= 0.8"), "========|=o"),
        (share(0.0, 0.0, 0.0, ">= 0.8"), "o.......|.."),
        (share(None, None, None, ">= 0.8"), "..........."),
        (share(float("nan"), None, None, ">= 0.8"), "..........."),
        (share(0.01, None, None, "<= 0.05"), "==o.....|.."),
        (share(0.0, None, None, "<= 0"), "|.........."),
    ],
)
def test_a_bar_shows_sure_part_interval_value_and_limit(
    rule: RuleResult, drawn: str
) -> None:
    assert bar(rule, 11, PLAIN, Tone.GOOD).plain == drawn


def test_a_judged_rule_in_an_entry_is_named_with_its_verdict() -> None:
    judged: JSON = {
        "rule": "efficacy",
        "outcome": "FAIL",
        "message": "0.41 >= 0.7 does not hold",
        "value": 0.5,
        "low": 0.41,
        "high": 0.6,
        "n": 48,
        "limit": ">= 0.7",
    }
    text = "\n".join(row.plain for row in tree({"rules": [judged]}, 60))
    assert "FAIL  efficacy  0.41 >= 0.7 does not hold" in text


def test_an_entry_about_a_change_names_it() -> None:
    data: JSON = {"change": "C-0002", "decision": "approve"}
    assert about({"data": data}).plain == "C-0002  approve"


@pytest.mark.parametrize(
    ("limit", "values"),
    [
        (">= 0.8", (0.8,)),
        ("<= 1e6", (1e6,)),
        ("0.5 +- 0.25", (0.25, 0.75)),
        ("within 0.25", ()),
        ("none", ()),
    ],
)
def test_the_limit_is_read_from_its_words(
    limit: str, values: tuple[float, ...]
) -> None:
    assert limit_values(limit) == values


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "missing"),
        (float("nan"), "NaN"),
        (0.0, "0"),
        (0.12345, "0.123"),
        (0.00001, "1.0e-05"),
        (812.0, "812"),
        (5e9, "5.0e+09"),
        (float("inf"), "inf"),
    ],
)
def test_numbers_are_short_and_a_missing_one_says_so(
    value: float | None, text: str
) -> None:
    assert paint.number(value) == text


@pytest.mark.parametrize(
    ("then", "text"),
    [
        ("2026-11-20T23:59:30Z", "30s"),
        ("2026-11-20T23:00:00Z", "1h"),
        ("2026-11-18T00:00:00Z", "3d"),
        ("2026-11-22T00:00:00Z", "0s"),
        ("yesterday", "?"),
    ],
)
def test_ages_fit_four_cells(then: str, text: str) -> None:
    assert paint.age(then, NOW) == text


def test_a_fingerprint_is_the_one_of_the_key_itself(tmp_path: Path) -> None:
    key = generate_key(tmp_path / "key", "comment")
    assert fingerprint(key.text) == key.fingerprint
    assert fingerprint("nonsense") == "unreadable key"


def test_a_crash_leaves_a_private_file_without_local_variables(tmp_path: Path) -> None:
    def fails() -> None:
        secret = "a stranger's" + " prompt"
        raise ValueError(str(len(secret)))

    with pytest.raises(ValueError, match="19") as caught:
        fails()
    path = crash.write_trace(caught.value, tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text()
    assert "ValueError: 19" in text
    assert "a stranger's prompt" not in text
    line = crash.crash_line(ValueError("\x1b[31m"), path)
    assert "\x1b" not in line
    assert str(path) in line
    assert "\n" not in line


def test_a_limit_on_a_share_says_which_share_was_wanted() -> None:
    rule = replace(share(0.5, 0.4, 0.6, "within 0.15"), rule="ratio.female")
    wanted: dict[str, JSON] = {
        "spec": {"attributes": [{"name": "female", "ratio": 0.5}]}
    }
    assert with_wanted(rule, wanted).limit == "0.5 +- 0.15"
    assert with_wanted(rule, {}).limit == "within 0.15"
    other = replace(rule, rule="ratio.male")
    assert with_wanted(other, wanted).limit == "within 0.15"


def test_names_of_weights_are_shortened_to_where_they_differ() -> None:
    names = [
        "unet/model.safetensors:down.0.attn2.to_k.weight",
        "unet/model.safetensors:down.1.attn2.to_v.weight",
    ]
    ends = shared_ends(names)
    assert ends == ("unet/model.safetensors:down.", ".weight")
    assert [without_ends(name, ends) for name in names] == [
        "0.attn2.to_k",
        "1.attn2.to_v",
    ]
    assert shared_ends(names[:1]) == ("", "")
    assert shared_ends(["same", "same"]) == ("", "")


def test_a_name_that_is_too_long_keeps_both_its_ends() -> None:
    assert paint.middle("abcdefghij", 7).plain == "abc…hij"
    assert paint.middle("abc", 7).plain == "abc"


def test_a_wrapped_text_stands_under_itself() -> None:
    rows = paint.hanging(Content("key  "), Content("one two three"), 13)
    assert [row.plain.rstrip() for row in rows] == ["key  one two", "     three"]
    assert paint.hanging(Content("key"), Content(""), 10)[0].plain == "key"


def test_without_a_terminal_nothing_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", io.StringIO())
    with pytest.raises(UsageError, match="expected a terminal on stdin and stderr"):
        run(FakeGovernance(tmp_path))


class ListApp(App[None]):
    def compose(self) -> ComposeResult:
        yield Grid((Column("name"),), id="grid")


def rows(*keys: str | None) -> FixedRows:
    return FixedRows(
        [
            Row(key, (Content(key),))
            if key is not None
            else Row(None, (Content("heading"), Content("")))
            for key in keys
        ]
    )


async def test_the_cursor_steps_over_headings_and_stays_on_its_key() -> None:
    app = ListApp()
    async with app.run_test(size=(30, 8)) as pilot:
        grid = app.query_one(Grid)
        grid.focus()
        grid.show(rows(None, "a", "b", None, "c"))
        assert grid.key == "a"
        await pilot.press("j", "j")
        assert grid.key == "c"
        await pilot.press("k")
        assert grid.key == "b"
        await pilot.press("g")
        assert grid.key == "a"
        await pilot.press("G")
        assert grid.key == "c"
        grid.show(rows(None, "new", "a", None, "c", "d"))
        assert grid.key == "c"
        grid.show(rows())
        await pilot.press("j", "k", "enter", "G", "g", "pagedown")
        assert len(grid.rows) == 0


async def test_the_line_under_the_cursor_is_always_in_view() -> None:
    app = ListApp()
    async with app.run_test(size=(30, 8)) as pilot:
        grid = app.query_one(Grid)
        grid.focus()
        grid.show(rows(*(str(number) for number in range(1000))))
        for keys in (["G"], ["k"] * 12, ["g"], ["j"] * 12, ["pagedown"], ["pageup"]):
            await pilot.press(*keys)
            await pilot.pause()
            top = grid.scroll_offset.y
            assert top <= grid.cursor < top + grid.size.height - 1


def test_no_passphrase_is_asked_for_on_the_terminal_that_the_screen_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "never")
    seen: list[str | None] = []

    def opened(_: GovernanceApp) -> int:
        seen.append(os.environ.get("SSH_ASKPASS_REQUIRE"))
        return 0

    monkeypatch.setattr(GovernanceApp, "run", opened)
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    assert run(FakeGovernance(tmp_path)) == 0
    # ssh-keygen then asks nobody but the program that SSH_ASKPASS names.
    assert seen == ["force"]
