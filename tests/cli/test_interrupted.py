"""A person presses Ctrl-C in the middle of a solve: exit 130, and nothing is left."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from governance.cli.run import run
from tests.cli.test_bad_input import many
from tests.pipeline import tiny


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("model") / "tiny")


@dataclass(frozen=True)
class Ended:
    """How an interrupted program ended."""

    returncode: int
    stdout: str


def interrupted(*words: object, after: str) -> Ended:
    """Run the program, and interrupt it once it says that a step has begun."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "governance", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        # A test run in the background ignores the signal, and children inherit that.
        preexec_fn=_listen,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(after):
            process.send_signal(signal.SIGINT)
            break
    stdout, _ = process.communicate(timeout=300)
    return Ended(process.returncode, stdout)


def _listen() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def document(process: Ended) -> dict[str, object]:
    error = json.loads(process.stdout)["error"]
    assert isinstance(error, dict)
    return error


def test_an_interrupted_solve_leaves_no_folder(tmp_path: Path, model: Path) -> None:
    path = many(tmp_path, 5000)
    process = interrupted(
        *("solve", "--model", model, "--request", path),
        *("--output", tmp_path / "out", "--json"),
        after="solve: solve",
    )
    assert process.returncode == 130
    assert document(process)["exit_code"] == 130
    left = sorted(item.name for item in tmp_path.iterdir())
    assert left == ["concepts.csv", "request.yaml"]


def test_an_interrupted_apply_records_nothing_and_can_be_repeated(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = tmp_path / "workspace"
    where = ("--workspace", str(workspace))

    def line(*words: object) -> object:
        code = run([*where, *map(str, words), "--json"])
        out = capsys.readouterr().out
        assert code == 0, out
        return json.loads(out)

    key = tmp_path / "ana"
    made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    subprocess.run(made, check=True)  # noqa: S603 - a fixed command
    line("init", "--policy", "single-user", "--reviewer", f"ana={key}.pub:owner")
    line("model", "add", "tiny", model)
    path = many(tmp_path, 1000)
    request = yaml.safe_load(path.read_text())
    request["spec"]["preserve"] = ["dog", "cat"]
    path.write_text(yaml.safe_dump(request))
    (edit,) = line("--as", "ana", "--key", key, "edit", "propose", path)  # type: ignore[misc]
    size = line("ledger", "verify")["entries"]  # type: ignore[index]
    name = edit["id"]  # type: ignore[has-type]
    process = interrupted(
        *(*where, "--as", "ana", "--key", key, "edit", "apply", name, "--json"),
        after="apply: encode",
    )
    assert process.returncode == 130
    assert document(process)["exit_code"] == 130
    verdict = line("ledger", "verify")
    assert verdict["ok"]  # type: ignore[index]
    assert verdict["entries"] == size  # type: ignore[index]
    assert line("edit", "show", name)["state"] == "PROPOSED"  # type: ignore[index]
    assert not list((workspace / "objects" / "incoming").iterdir())
    line("--as", "ana", "--key", key, "edit", "apply", name)
