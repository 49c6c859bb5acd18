"""The scene, made once; everything heavy is loaded before anybody forks."""

import gc
import os
from collections.abc import Iterator

import pytest

from tests.crash import steps
from tests.crash.scene import ACTIONS, Scene, prepare
from tests.crash.synthetic import build_model, synthetic_parts
from tests.service.house import build


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    root = tmp_path_factory.mktemp("scene")
    agent = os.environ.pop("SSH_AUTH_SOCK", None)
    steps.install()
    found = prepare(build(root, synthetic_parts(), model=build_model(root / "model")))
    copy = found.copied(root / "warm")
    for action in ACTIONS.values():
        copy = found.copied(root / "warm")
        action.act(copy)
    gc.collect()
    yield found
    if agent is not None:
        os.environ["SSH_AUTH_SOCK"] = agent
