"""The main commands and the terminal UI, one after the other, in one process.

Run as a program by ``test_no_network``, which watches what it does with sockets.
"""

import asyncio
import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

from governance.cli.run import run
from governance.tui.app import GovernanceApp
from governance.wiring import real_parts
from tests.pipeline import tiny
from tests.service.house import House, build
from tests.service.test_real_parts import weights_only


def typed(
    house: House, *words: object, who: str = "ana", key: Path | None = None
) -> str:
    """Type a command line; return what it printed."""
    out = io.StringIO()
    arguments = [
        *("--workspace", str(house.settings.workspace)),
        *("--as", who, "--key", str(key or house.keys[who])),
        *map(str, words),
    ]
    with contextlib.redirect_stdout(out):
        code = run(arguments)
    if code:
        raise SystemExit(f"{words}: exit {code}")
    return out.getvalue()


def lived(house: House) -> str:
    """Bring an edit to life: ben signs with the agent where there is one."""

    def told(*words: object, who: str = "ana", key: Path | None = None) -> Any:
        return json.loads(typed(house, *words, "--json", who=who, key=key))

    request = house.request("kora", preserve=["lume"])
    edit = str(told("edit", "propose", request)[0]["id"])
    candidate = told("edit", "apply", edit)["candidate"]
    evidence = told("edit", "check", edit)["evidence"]
    key = house.keys["ben"]
    if "SSH_AUTH_SOCK" in os.environ:
        # With the private half gone, only the agent can sign.
        subprocess.run(["ssh-add", "-q", str(key)], check=True)  # noqa: S603, S607
        key.unlink()
        key = key.with_suffix(".pub")
    signed = told(
        *("edit", "sign", edit, "--decision", "approve", "--comment", "seen"),
        *("--candidate", candidate, "--evidence", evidence),
        who="ben",
        key=key,
    )
    if signed["state"] != "LIVE":
        raise SystemExit(f"expected LIVE, found {signed}")
    return edit


async def looked_at(house: House) -> None:
    """Open the terminal UI without a terminal, and visit every page."""
    app = GovernanceApp(house.as_("ana"), jobs_folder=house.root / "jobs")
    async with app.run_test(size=(120, 40)) as pilot:
        for page in "12345":
            await pilot.press(page)
            await pilot.pause()
        await pilot.press("question_mark")
        await pilot.pause()


def main(root: Path) -> None:
    """Do everything once."""
    base = tiny.build(root / "tiny")
    house = build(root, real_parts(), change=partial(weights_only, root), model=base)
    other = root / "other"
    person = f"ana={house.keys['ana'].with_suffix('.pub')}:reviewer"
    if run(["--workspace", str(other), "init", "--reviewer", person]):
        raise SystemExit("init failed")
    edit = lived(house)
    typed(house, "edit", "show", edit)
    typed(house, "policy", "test")
    typed(house, "snapshot", "export", "live", "--output", root / "out")
    typed(house, "snapshot", "verify", root / "out")
    (root / "kept").write_text(typed(house, "ledger", "checkpoint"))
    asyncio.run(looked_at(house))
    typed(house, "edit", "revert", edit, "--reason", "settled")
    typed(house, "ledger", "verify", "--against", root / "kept")
    typed(house, "ledger", "backup", root / "copy.db")
    shutil.rmtree(root / "out")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
