"""The commands the docs give keep a workspace, and put it back."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from governance.service import opening
from governance.service.model_key import signing_key
from tests.service.house import House

PAGE = Path(__file__).parents[2] / "docs" / "governing.md"


def commands(title: str) -> str:
    (found,) = re.findall(
        rf"```sh\n# {title}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    return str(found)


def typed(text: str, folder: Path) -> str:
    """Run commands in a shell in which `governance` is this program."""
    program = folder / "bin" / "governance"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m governance "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(PAGE.parents[1])}
    done = subprocess.run(  # noqa: S603 - the lines a person is told to type
        ["/bin/sh", "-e", "-c", text],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_the_docs_keep_is_a_workspace_again_that_verifies_and_appends(
    house: House,
) -> None:
    edit = house.live()
    house.as_("ana").close()
    signing_key(opening.open_existing(house.settings, house.parts, house.clock))
    old = house.settings.workspace
    size = house.size()
    typed(commands("keep"), house.root)
    written = {
        name: (old / name).read_bytes()
        for name in ("allowed_signers", "ledger.pub", "model-signing.pub")
    }
    shutil.rmtree(old)
    said = typed(commands("put back"), house.root)
    assert said.startswith(f"ok  {size} entries"), said
    new = house.root / "restored"
    assert {name: (new / name).read_bytes() for name in written} == written
    settings = replace(house.settings, workspace=new)
    again = replace(house, settings=settings)
    assert again.as_("ana").edit(edit).summary.state == "LIVE"
    assert again.live("lume") == "E-0002"
    verdict = again.as_("ana").verify()
    assert (verdict.ok, verdict.notes) == (True, ())
