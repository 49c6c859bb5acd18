"""One workspace in which every action is possible, copied for each trial."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from governance.domain.signoff import Decision
from governance.ledger.database import sqlite_url
from governance.ledger.log import Ledger
from governance.ledger.tables import NEWEST_REVISION
from governance.service.facade import JobKind
from governance.settings import Settings
from tests.service.house import House

GOLDEN = Path(__file__).parents[1] / "ledger" / "golden" / "0001.sql"


@dataclass(frozen=True)
class Names:
    """What stands where in the scene."""

    proposed: str
    applied: str
    checked: str
    living: str


@dataclass(frozen=True)
class Scene:
    """A house whose workspace is ready for every action.

    Args:
        house: The house.
        names: Which edit is how far.
    """

    house: House
    names: Names

    @property
    def output(self) -> Path:
        """Where exports and backups go."""
        return self.house.root / "out"

    def copied(self, root: Path) -> "Scene":
        """Copy workspace and output; people and model are only read."""
        shutil.rmtree(root, ignore_errors=True)
        workspace = root / "workspace"
        source = self.house.settings.workspace
        unshared = shutil.ignore_patterns("objects", "*-shm")
        shutil.copytree(source, workspace, ignore=unshared)
        # Objects are never changed in place: a link is as good as a copy.
        objects = ("objects", workspace / "objects")
        shutil.copytree(source / objects[0], objects[1], copy_function=os.link)
        (root / "out").mkdir()
        connection = sqlite3.connect(root / "out" / "old.db")
        connection.executescript(GOLDEN.read_text(encoding="utf-8"))
        connection.close()
        settings = Settings(workspace=workspace)
        return replace(self, house=replace(self.house, root=root, settings=settings))


def prepare(house: House) -> Scene:
    """Bring edits to every stage; the newest live one is `living`."""
    house.live("kora")
    living = house.live("lume")
    proposed = house.propose("ana", "mondo")
    applied = house.propose("ana", "rose")
    house.job("ana", JobKind.APPLY, edits=[applied])
    gone = house.ready("ana", "blue")
    house.as_("ana").withdraw(gone, "not needed")
    checked = house.ready("ana", "red")
    house.store.put_bytes(b"left by an apply that was killed")
    return Scene(house, Names(proposed, applied, checked, living))


Act = Callable[[Scene], object]


@dataclass(frozen=True)
class Action:
    """Something a person does.

    Args:
        act: Does it.
        entries: How many entries it appends; an export at most so many.
        done: Says whether it is done, where no entry says so.
    """

    act: Act
    entries: int
    done: Callable[[Scene], bool] | None = field(default=None)


def _apply(scene: Scene) -> object:
    return scene.house.job("ana", JobKind.APPLY, edits=[scene.names.proposed])


def _check(scene: Scene) -> object:
    return scene.house.job("ana", JobKind.CHECK, edit=scene.names.applied)


def _sign(scene: Scene) -> object:
    """The last approval: it makes the candidate live."""
    application = scene.house.as_("ben")
    detail = application.edit(scene.names.checked)
    return application.sign(
        scene.names.checked,
        Decision.APPROVE,
        "looked at both",
        candidate=detail.candidate,
        evidence=detail.evidence_digest,
        seen=application.head(),
    )


def _export(scene: Scene) -> object:
    return scene.house.job(
        "ana", JobKind.EXPORT, snapshot="live", output=str(scene.output / "export")
    )


def _revert(scene: Scene) -> object:
    return scene.house.job(
        "ben", JobKind.REVERT, edit=scene.names.living, reason="settled"
    )


def _activate(scene: Scene) -> object:
    return scene.house.as_("ben").activate("base", "start over")


def _backup(scene: Scene) -> object:
    return scene.house.as_("ana").backup(scene.output / "backup.db")


def _gc(scene: Scene) -> object:
    return scene.house.as_("ana").collect()


def _migrate(scene: Scene) -> object:
    with Ledger.open(sqlite_url(scene.output / "old.db")) as ledger:
        return ledger.head()


def _propose(scene: Scene) -> object:
    return scene.house.propose("ana", "lemon")


def _migrated(scene: Scene) -> bool:
    connection = sqlite3.connect(scene.output / "old.db")
    (found,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    connection.close()
    return bool(found == NEWEST_REVISION)


ACTIONS: Mapping[str, Action] = {
    "propose": Action(_propose, 1),
    "apply": Action(_apply, 1),
    "check": Action(_check, 1),
    "sign": Action(_sign, 2),
    "export": Action(_export, 1, lambda scene: (scene.output / "export").exists()),
    "revert": Action(_revert, 1),
    "activate": Action(_activate, 1),
    "backup": Action(_backup, 0, lambda scene: (scene.output / "backup.db").exists()),
    "gc": Action(_gc, 1),
    "migrate": Action(_migrate, 0, _migrated),
}
