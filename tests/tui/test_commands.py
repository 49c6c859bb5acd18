"""Verify commands as a reviewer copies them off the screen."""

import subprocess
from pathlib import Path

import pytest

from governance.canonical import canonical_bytes, sha256_hex
from governance.domain.roster import Roster
from governance.domain.signoff import Signed
from governance.service.layout import Layout
from governance.service.signed_views import verify_lines
from governance.tui.commands import command_rows

SMALL = 78
"""Cells of a line on the smallest terminal, less its margins."""
STUB = """#!/bin/sh
for word in "$@"; do
  if [ -e "$word" ]; then realpath "$word"; else echo "$word"; fi
done
cat
"""


def own_lines(folder: Path) -> tuple[str, ...]:
    """Lay two signed statements down as objects; return their verify lines."""
    layout, found = Layout(folder), []
    for name in ("ana", "ben"):
        said = {"comment": f"{name} looked at both"}
        found.append(Signed(name, "ssh-ed25519 AAAA", said, f"by {name}", 7, "T"))
        for content in (canonical_bytes(said), f"by {name}".encode()):
            digest = sha256_hex(content)
            place = layout.objects / digest[:2] / digest[2:]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    layout.allowed_signers.touch()
    return verify_lines(layout, found, Roster())


def run(folder: Path, script: str) -> str:
    """Run a script with a stand-in for ssh-keygen that says what it was given."""
    program = folder / "bin" / "ssh-keygen"
    program.parent.mkdir(exist_ok=True)
    program.write_text(STUB)
    program.chmod(0o755)
    done = subprocess.run(  # noqa: S603 - lines of our own making
        ["/bin/sh", "-ec", f"PATH='{program.parent}':$PATH\n{script}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("name", ["workspace", "a work's $pace; (x)"])
def test_what_the_screen_shows_does_what_the_printed_lines_do(
    tmp_path: Path, name: str
) -> None:
    lines = own_lines(tmp_path / name)
    *rows, hint = [row.plain for row in command_rows(lines)]
    assert hint.startswith("Y copies")
    done = run(tmp_path, "\n".join(row.rstrip() for row in rows))
    assert done == run(tmp_path, "\n".join(lines))
    assert "ana looked at both" in done
    assert str(tmp_path / name / "allowed_signers") in done


def test_no_line_but_the_folder_is_wider_than_a_small_terminal(tmp_path: Path) -> None:
    lines = own_lines(tmp_path / ("x" * 60))
    folder, *rows = [row.plain for row in command_rows(lines)]
    assert folder.startswith("cd ")
    assert max(map(len, rows)) <= SMALL
    assert not any(row.startswith("cd ") for row in rows)


@pytest.mark.parametrize("text", ["", "ssh-keygen -Y verify", "echo 'open", "a b"])
def test_a_line_that_is_no_command_of_ours_stands_as_it_is(text: str) -> None:
    assert command_rows([text])[0].plain == text
