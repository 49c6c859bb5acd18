"""Four edits live, a careless fifth refused, one taken back, one export proved."""

from collections.abc import Mapping
from dataclasses import replace
from importlib import resources

from governance.canonical import JSON
from governance.demo.clock import StepClock
from governance.demo.figures import effect, row_of
from governance.demo.people import Person, make_people
from governance.demo.proof import export_and_break
from governance.demo.report import DemoEdit, DemoReport
from governance.demo.stage import Stage
from governance.domain.signoff import Decision
from governance.errors import (
    CheckFailedError,
    PolicyRefusedError,
    SignOffMissingError,
    WrongStateError,
)
from governance.miniature import pipeline_path
from governance.service.facade import Governance, Job, JobKind
from governance.settings import Settings
from governance.wiring import create_workspace, open_workspace, real_parts

GOOD = ("update-rose", "erase-artist", "moderate-sword", "debias-doctor")
CARELESS = "careless-lemon"
REVERTED = "erase-artist"
MODEL = "miniature"
SEEDS = 8


class Demo:
    """One run of the demo in a fresh workspace."""

    def __init__(self, settings: Settings, stage: Stage, seeds: int | None) -> None:
        self.settings = settings
        self.stage = stage
        self.seeds = SEEDS if seeds is None else seeds
        self.clock = StepClock()
        # Both people share one set of drawing workers.
        self.parts = real_parts()
        self.ids: dict[str, str] = {}

    def run(self) -> DemoReport:
        """Run every step.

        Returns:
            What was measured, and where the workspace and the export lie.

        Raises:
            CheckFailedError: A step did not do what it should.
        """
        ana, ben = self._begin()
        for name in GOOD:
            self._bring_live(ana, ben, name)
        self._refuse(ana, ben, CARELESS)
        self._take_back(ben)
        live = ben.snapshot("live", MODEL).digest
        with self.clock.step("export"):
            export = export_and_break(ben, self.settings.workspace, self.stage)
        with self.clock.step("verify"):
            self._verify_ledger(ben)
        return DemoReport(
            workspace=self.settings.workspace,
            model=MODEL,
            edits=self._edits(ben),
            snapshot=live,
            export=export,
            seconds=self.clock.seconds,
        )

    def _begin(self) -> tuple[Governance, Governance]:
        if self.settings.workspace.exists() and any(self.settings.workspace.iterdir()):
            raise WrongStateError(
                f"demo: {self.settings.workspace} is not empty, expected a new folder",
                "Give another folder with --workspace.",
            )
        with self.clock.step("init"):
            people = make_people(self.settings.workspace / "keys")
            create_workspace(
                self.settings,
                policy="default",
                reviewers=tuple(
                    (item.principal, item.public_key, item.roles) for item in people
                ),
                origin="demo",
            )
            ana, ben = (self._as(person) for person in people)
        self.stage.say(f"workspace {self.settings.workspace}, ledger origin demo")
        for person in people:
            self.stage.say(f"  {person.principal} signs with {person.key}")
        self.stage.say("  one program signs for both: this shows the work, not trust")
        with self.clock.step("model"):
            added = ana.add_model(MODEL, str(pipeline_path()))
        self.stage.say(f"model {MODEL}: {len(added.files)} files, {added.digest[:12]}")
        return ana, ben

    def _as(self, person: Person) -> Governance:
        settings = replace(self.settings, principal=person.principal, key=person.key)
        return open_workspace(settings, self.parts)

    def _propose(self, ana: Governance, name: str) -> str:
        source = resources.files("governance.demo") / "requests" / f"{name}.yaml"
        with resources.as_file(source) as path, self.clock.step("propose"):
            proposed = ana.propose([path])[0]
        self.ids[name] = proposed.id
        self.stage.say(f"{proposed.id} {proposed.action}: {proposed.title}")
        return proposed.id

    def _job(
        self, governance: Governance, job: Job, label: str, step: str | None = None
    ) -> Mapping[str, JSON]:
        with (
            self.clock.step(step or job.kind.value),
            self.stage.working(label) as progress,
            governance.holding(),
        ):
            seen = governance.head()
            return governance.finish(job, governance.compute(job, progress), seen=seen)

    def _bring_live(self, ana: Governance, ben: Governance, name: str) -> None:
        edit = self._propose(ana, name)
        self._job(ana, Job(JobKind.APPLY, {"edits": [edit]}), f"{edit} apply")
        checked = self._check(ben, edit)
        if checked["outcome"] != "PASS":
            raise CheckFailedError(
                f"demo: {edit} ({name}) did not pass its check: {_failures(ben, edit)}",
                f"`governance edit show {edit}` lists every rule.",
            )
        detail = ben.edit(edit)
        with self.clock.step("sign"):
            acted = ben.sign(
                edit,
                Decision.APPROVE,
                "before and after looked at, every rule holds",
                candidate=detail.candidate,
                evidence=detail.evidence_digest,
                seen=ben.head(),
            )
        self.stage.say(f"  signed by ben@demo: {acted.state}, live {acted.live[:12]}")
        if acted.state != "LIVE":
            raise CheckFailedError(f"demo: {edit} is {acted.state}, expected LIVE")

    def _check(self, governance: Governance, edit: str) -> Mapping[str, JSON]:
        job = Job(JobKind.CHECK, {"edit": edit, "suite": "quick"})
        checked = self._job(governance, job, f"{edit} check")
        verdict = governance.edit(edit).verdict
        for rule in verdict.rules if verdict else ():
            self.stage.say(f"  {rule.outcome}  {rule.rule}  {rule.message}")
        return checked

    def _refuse(self, ana: Governance, ben: Governance, name: str) -> None:
        edit = self._propose(ana, name)
        self._job(ana, Job(JobKind.APPLY, {"edits": [edit]}), f"{edit} apply")
        checked = self._check(ben, edit)
        if checked["outcome"] == "PASS":
            raise CheckFailedError(f"demo: the careless {edit} passed its check")
        detail = ben.edit(edit)
        try:
            ben.sign(
                edit,
                Decision.APPROVE,
                "let it through",
                candidate=detail.candidate,
                evidence=detail.evidence_digest,
                seen=ben.head(),
            )
        except (PolicyRefusedError, SignOffMissingError) as refusal:
            code = int(refusal.exit_code)
            self.stage.say(f"  approval refused, exit {code}: {refusal.message}")
        else:
            raise CheckFailedError(f"demo: the careless {edit} was signed into life")
        with self.clock.step("withdraw"):
            ana.withdraw(edit, "it changed what it should have left alone")
        self.stage.say(f"  {edit} withdrawn")

    def _take_back(self, ben: Governance) -> None:
        edit = self.ids[REVERTED]
        job = Job(JobKind.REVERT, {"edit": edit, "reason": "the takedown was settled"})
        reverted = self._job(ben, job, f"{edit} revert")
        self.stage.say(f"{edit} reverted, live {str(reverted['live'])[:12]}")
        edits: list[JSON] = [self.ids[name] for name in GOOD]
        look = Job(
            JobKind.MEASURE, {"edits": edits, "snapshot": "live", "seeds": self.seeds}
        )
        measured = self._job(ben, look, "measure live")["edits"]
        if not isinstance(measured, list):
            raise CheckFailedError("demo: measuring returned no edits")
        for item in measured:
            self._hold(item)

    def _hold(self, figures: Mapping[str, JSON]) -> None:
        """Hold the reverted edit to be gone and every other to be there still."""
        edit = str(figures["id"])
        gone = edit == self.ids[REVERTED]
        name, before, after, reached = effect(figures)
        word = "gone" if gone else "held"
        self.stage.say(f"  {edit} {name} {before:.2f} -> {after:.2f}: {word}")
        if reached is gone:
            raise CheckFailedError(
                f"demo: after the revert {edit} has {name} {after:.2f}, "
                f"expected its effect {word}"
            )

    def _verify_ledger(self, governance: Governance) -> None:
        verdict = governance.verify()
        if not verdict.ok:
            raise CheckFailedError(f"demo: ledger broken at entry {verdict.first_bad}")
        head = verdict.head
        self.stage.say(f"ledger verified: {verdict.entries} entries, root {head.root}")

    def _edits(self, governance: Governance) -> tuple[DemoEdit, ...]:
        return tuple(row_of(governance.edit(edit)) for edit in self.ids.values())


def run_demo(settings: Settings, stage: Stage, seeds: int | None = None) -> DemoReport:
    """Run the demo in a new workspace.

    Args:
        settings: Where, and on which device.
        stage: Where to tell what happens.
        seeds: Images per prompt looked at after the revert; 8 where omitted.

    Returns:
        What was measured, and where workspace and export lie.
    """
    return Demo(settings, stage, seeds).run()


def _failures(governance: Governance, edit: str) -> str:
    verdict = governance.edit(edit).verdict
    rules = verdict.rules if verdict else ()
    return "; ".join(rule.message for rule in rules if rule.outcome != "PASS")
