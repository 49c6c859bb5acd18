"""A workspace with three people in it, on light parts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from governance.canonical import JSON
from governance.domain.signoff import Decision
from governance.identity.keys import generate_key
from governance.ledger.store import ObjectStore
from governance.service import opening
from governance.service.application import Application
from governance.service.facade import Job, JobKind, Progress
from governance.service.ports import Parts
from governance.service.views import Acted
from governance.settings import Settings
from tests.service.fakes import FakeClock

PEOPLE = ("ana", "ben", "cleo")
MODEL = "mini"


def quiet(_: Progress) -> None:
    pass


@dataclass
class House:
    """One workspace, opened by whoever acts."""

    root: Path
    settings: Settings
    parts: Parts
    clock: FakeClock
    keys: Mapping[str, Path]

    @property
    def store(self) -> ObjectStore:
        return ObjectStore(self.settings.workspace / "objects")

    def as_(self, principal: str, *, key: str | None = None) -> Application:
        settings = replace(
            self.settings, principal=principal, key=self.keys[key or principal]
        )
        workspace = opening.open_existing(settings, self.parts, self.clock)
        return Application(workspace)

    def request(self, name: str = "kora", **changes: JSON) -> Path:
        """Write a request file: ``title``, ``source``, ``destination``, ``spec``."""
        spec: dict[str, JSON] = {
            "action": "erase",
            "method": "uce",
            "concepts": [
                {
                    "source": changes.get("source", name),
                    "destination": changes.get("destination", "art"),
                }
            ],
            "preserve": changes.get("preserve", []),
            "parameters": changes.get("parameters", {"lambda": 0.5}),
        }
        if changes.get("action"):
            spec["action"] = changes["action"]
        document = {
            "apiVersion": "governance/v1",
            "kind": "ConceptEdit",
            "metadata": {
                "title": changes.get("title", f"Stop imitating {name}"),
                "model": changes.get("model", MODEL),
                "rationale": "Asked for by the artist",
            },
            "spec": spec,
        }
        path = self.root / f"{name}.yaml"
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return path

    def propose(self, who: str, name: str = "kora", **changes: JSON) -> str:
        return self.as_(who).propose([self.request(name, **changes)])[0].id

    def job(self, who: str, kind: JobKind, **arguments: JSON) -> Mapping[str, JSON]:
        application = self.as_(who)
        job = Job(kind, arguments)
        seen = application.head()
        return application.finish(job, application.compute(job, quiet), seen=seen)

    def ready(self, who: str, name: str = "kora", **changes: JSON) -> str:
        """Propose, apply and check."""
        edit = self.propose(who, name, **changes)
        self.job(who, JobKind.APPLY, edits=[edit])
        self.job(who, JobKind.CHECK, edit=edit)
        return edit

    def approve(self, who: str, edit: str, *, key: str | None = None) -> Acted:
        application = self.as_(who, key=key)
        detail = application.edit(edit)
        return application.sign(
            edit,
            Decision.APPROVE,
            "looked at both",
            candidate=detail.candidate,
            evidence=detail.evidence_digest,
            seen=application.head(),
        )

    def live(self, name: str = "kora", **changes: JSON) -> str:
        """Bring an edit of ana's to life by ben's approval."""
        edit = self.ready("ana", name, **changes)
        assert self.approve("ben", edit).state == "LIVE"
        return edit

    def size(self) -> int:
        return self.as_("ana").head().size


def build(
    root: Path,
    parts: Parts,
    policy: str = "default",
    change: Callable[[dict[str, JSON]], None] | None = None,
    model: Path | None = None,
) -> House:
    """Make keys, a model folder and a workspace with the model registered."""
    keys = {}
    folder = root / "people"
    folder.mkdir()
    for name in (*PEOPLE, "mallory"):
        generate_key(folder / name, comment=name)
        keys[name] = folder / name
    if model is None:
        model = root / "model"
        model.mkdir()
        (model / "model_index.json").write_text("{}", encoding="utf-8")
        (model / "weights.bin").write_bytes(b"weights")
    clock = FakeClock()
    settings = Settings(workspace=root / "workspace")
    people = [(name, folder / f"{name}.pub", ("reviewer",)) for name in PEOPLE]
    if change is not None:
        policy = str(changed_policy(root, change))
    opening.create(settings, parts, policy, people, clock=clock).ledger.close()
    house = House(root, settings, parts, clock, keys)
    house.as_("ana").add_model(MODEL, str(model))
    return house


def changed_policy(root: Path, change: Callable[[dict[str, JSON]], None]) -> Path:
    """Write a copy of the default policy with its rules changed."""
    from governance.policy.files import find_policy

    shipped = find_policy("default")
    document = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    suite = shipped.parent / document["spec"]["suite"]
    (root / "quick.yaml").write_bytes(suite.read_bytes())
    document["spec"]["suite"] = "quick.yaml"
    change(document["spec"])
    path = root / "policy.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path
