"""A secret given in place of a document is refused, and nothing of it is shown."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Line
from tests.service.house import House

TOKEN = "hf_Qm9zdG9uVG9rZW5PZlNvbWVib2R5"  # noqa: S105 - no real one
ENV = f"AWS_SECRET_ACCESS_KEY={TOKEN}\nPASSWORD={TOKEN[::-1]}\n"
YAML_SECRET = f"password: {TOKEN}\ntoken: '{TOKEN[::-1]}'\n"
JSON_SECRET = f'{{"private_key": "{TOKEN}", "list": ["{TOKEN[::-1]}"]}}\n'


def ssh_key(house: House) -> str:
    return house.keys["ben"].read_text(encoding="utf-8")


def ledger_key(house: House) -> str:
    return (house.settings.workspace / "ledger.key").read_text(encoding="utf-8")


SECRETS: dict[str, Callable[[House], str]] = {
    "an SSH key": ssh_key,
    "the ledger key": ledger_key,
    "a key behind text": lambda house: f"key: |\n  {ssh_key(house)}",
    "a token": lambda _: TOKEN,
    "an environment file": lambda _: ENV,
    "YAML": lambda _: YAML_SECRET,
    "JSON": lambda _: JSON_SECRET,
}
COMMANDS: dict[str, tuple[str, ...]] = {
    "policy check": ("policy", "check", "FILE"),
    "policy test": ("policy", "test", "FILE"),
    "policy activate": ("policy", "activate", "FILE"),
    "edit propose": ("edit", "propose", "FILE"),
    "reviewer add": (
        *("reviewer", "add", "dora", "--role", "reviewer", "--public-key", "FILE"),
    ),
    "ledger verify": ("ledger", "verify", "--against", "FILE"),
    "snapshot verify signers": (
        *("snapshot", "verify", "DIR", "--allowed-signers", "FILE"),
    ),
    "snapshot verify ledger key": (
        *("snapshot", "verify", "DIR", "--ledger-key", "FILE"),
    ),
    "snapshot verify checkpoint": ("snapshot", "verify", "DIR", "--against", "FILE"),
    "init policy": (
        *("--workspace", "DIR/new", "init", "--policy", "FILE"),
        *("--reviewer", "ana=PUBLIC:reviewer"),
    ),
    "init reviewer": (
        *("--workspace", "DIR/new", "init", "--reviewer", "ana=FILE:reviewer"),
    ),
    "evaluate": (
        *("evaluate", "--model", "DIR", "--config", "FILE", "--output", "DIR/o"),
    ),
}


def shown(text: str, secret: str) -> set[str]:
    """Return each piece of a secret, eight characters long, that a text shows."""
    hidden = secret.replace("\n", "")
    known = "-----BEGIN OPENSSH PRIVATE KEY-----END PRIVATE+KEY+governance/"
    known += "AWS_SECRET_ACCESS_KEY=PASSWORD= password: token: private_key list"
    pieces = {hidden[at : at + 8] for at in range(len(hidden) - 7)}
    return {piece for piece in pieces if piece in text and piece not in known}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_secret_in_place_of_a_file_is_refused_unseen(
    line: Line,
    house: House,
    secret: Callable[[House], str],
    command: tuple[str, ...],
) -> None:
    content = secret(house)
    file = house.root / "secret"
    file.write_text(content, encoding="utf-8")
    before = house.size()
    words = [
        word.replace("FILE", str(file))
        .replace("DIR", str(house.root))
        .replace("PUBLIC", str(house.keys["ana"].with_suffix(".pub")))
        for word in command
    ]
    said = line(*words)
    assert said.code not in (0, 70), said.err
    assert not shown(said.out + said.err, content)
    assert house.size() == before


@pytest.mark.parametrize("field", ["concepts_file", "preserve_file"])
@pytest.mark.parametrize("name", ["an SSH key", "the ledger key", "a token"])
def test_a_secret_that_a_request_names_as_a_list_is_not_shown(
    line: Line, house: House, field: str, name: str
) -> None:
    content = SECRETS[name](house)
    (house.root / "list.csv").write_text(content, encoding="utf-8")
    path = house.request()
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    if field == "concepts_file":
        del document["spec"]["concepts"]
    document["spec"].pop("preserve")
    document["spec"][field] = "list.csv"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    before, stored = house.size(), objects(house)
    said = line("edit", "propose", path)
    if field == "preserve_file" and name == "a token":
        return  # One line of text is a list of one text to preserve.
    assert said.code == 2, said.err
    assert not shown(said.out + said.err, content)
    assert (house.size(), objects(house)) == (before, stored), "nothing was stored"


def objects(house: House) -> set[Path]:
    return set((house.settings.workspace / "objects").rglob("*"))
