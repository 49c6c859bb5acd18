"""Settings to services: the only place that names concrete classes.

Nothing here loads a tensor library; the parts do, when they are first used. Run as
a module it is the child process that computes one job.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from governance.benchmark.task import Task
from governance.canonical import JSON
from governance.errors import IntegrityError, NotFoundError
from governance.policy.copying import copy_policy
from governance.policy.files import find_policy, load_policy, shipped_cases
from governance.service import opening, trying, worker
from governance.service.application import Application
from governance.service.facade import Governance, Progress, ProgressCallback
from governance.service.looking import policy_view
from governance.service.parts.checker import RealChecker
from governance.service.parts.exporter import RealExporter
from governance.service.parts.judges import Judges
from governance.service.parts.models import FolderModels
from governance.service.parts.solver import EngineSolver
from governance.service.parts.statistics import RealStatistics
from governance.service.parts.studio import Studio
from governance.service.ports import Parts
from governance.service.records import TrialView
from governance.service.views import (
    ExportVerdict,
    LedgerVerdict,
    PolicyView,
    VerifyFinding,
)
from governance.settings import Settings

if TYPE_CHECKING:
    from governance.benchmark.report import Report


def real_parts() -> Parts:
    """Return the engine, the checks and the rest; nothing heavy is loaded yet."""
    studio, judges = Studio(), Judges()
    return Parts(
        models=FolderModels(),
        solver=EngineSolver(studio, judges),
        checker=RealChecker(studio, judges),
        exporter=RealExporter(),
        statistics=RealStatistics(),
    )


def create_workspace(
    settings: Settings,
    *,
    policy: str = "default",
    reviewers: Sequence[opening.Person] = (),
    origin: str | None = None,
) -> Governance:
    """Make a workspace: database, object store, genesis entry.

    Args:
        settings: Where, and who acts.
        policy: Name of a shipped policy, or a policy file.
        reviewers: First roster: principal, public key file, roles.
        origin: Ledger origin; a new unique one where omitted.

    Returns:
        The open workspace.

    Raises:
        WrongStateError: There is one already.
    """
    return Application(
        opening.create(settings, real_parts(), policy, reviewers, origin)
    )


def open_workspace(settings: Settings, parts: Parts | None = None) -> Governance:
    """Open a workspace.

    Args:
        settings: Where, and who acts.
        parts: Parts to share with another open workspace; new ones where omitted.

    Returns:
        The open workspace.

    Raises:
        NotFoundError: There is none.
    """
    return Application(opening.open_existing(settings, parts or real_parts()))


def verify_ledger(settings: Settings, against: Path | None = None) -> LedgerVerdict:
    """Verify a workspace's ledger, whether or not its entries still fold.

    Args:
        settings: Where it is.
        against: A checkpoint somebody kept; the ledger must continue it.

    Raises:
        NotFoundError: There is none.
        IntegrityError: What was kept is no checkpoint of this ledger.
    """
    try:
        governance = open_workspace(settings)
    except (IntegrityError, NotFoundError) as error:
        if isinstance(error, NotFoundError) and not opening.lacks_key(settings):
            raise
        opened = opening.open_existing(settings, real_parts(), fold=False)
        verdict = Application(opened).verify(against)
        if verdict.ok:  # what is wrong is not among the entries
            raise
        return verdict
    return governance.verify(against)


def check_policy(file: Path) -> PolicyView:
    """Load a policy file strictly and say what it is; needs no workspace.

    Args:
        file: The file.

    Raises:
        RequestError: Something in it is wrong.
    """
    return policy_view(load_policy(file))


def shipped_policy(name: str) -> PolicyView:
    """Load a policy that comes with the program; needs no workspace.

    Args:
        name: Its name.

    Raises:
        NotFoundError: There is none of that name.
    """
    return policy_view(load_policy(find_policy(name)))


def copied_policy(name: str, folder: Path) -> Path:
    """Copy a shipped policy and its suite into a new folder, to be edited.

    Args:
        name: Its name.
        folder: A new folder.

    Returns:
        The copied policy's file.

    Raises:
        NotFoundError: There is none of that name.
        UsageError: The folder exists, or cannot be written.
    """
    return copy_policy(name, folder)


def try_policies(files: Sequence[Path] = ()) -> TrialView:
    """Try policies on cases; needs no workspace.

    Args:
        files: Case files; those that come with the program where omitted.

    Raises:
        RequestError: A file, or a policy it names, is wrong.
    """
    return trying.run_cases(files or shipped_cases())


def verify_export(
    folder: Path,
    allowed_signers: Path | None = None,
    ledger_key: Path | None = None,
    against: Path | None = None,
    base: Path | None = None,
) -> ExportVerdict:
    """Verify an exported folder, offline and without a workspace.

    Args:
        folder: The export.
        allowed_signers: Reviewers' keys got by another way.
        ledger_key: The ledger's key, got by another way.
        against: A checkpoint kept from before.
        base: The base model's folder; what no edit names must be its own.

    Raises:
        NotFoundError: There is no such folder, or no such file.
        UsageError: The folder is no export, a file of keys holds none, a checkpoint
            is none, or the base is another folder.
    """
    from governance.snapshots.verify import verify_export as verified

    found = verified(folder, allowed_signers, ledger_key, against, base)
    return ExportVerdict(
        ok=found.ok,
        trust=found.trust,
        findings=tuple(
            VerifyFinding(item.path, item.problem, item.message)
            for item in found.findings
        ),
        derived=found.derived,
        notes=found.notes,
        checked=found.checked,
    )


def solve_files(
    folder: Path,
    requests: Sequence[Path],
    output: Path,
    *,
    form: str,
    precision: str,
    device: str,
    progress: ProgressCallback,
    keys: str = "kohya",
    statistics: Path | None = None,
    stage_one: Path | None = None,
) -> Mapping[str, JSON]:
    """Solve request files for a folder: no workspace, no ledger.

    Args:
        folder: Diffusers folder; the word ``miniature`` is the embedded one.
        requests: Request files.
        output: New folder.
        form: ``delta``, ``lora`` or ``diffusers``.
        precision: ``mixed``, ``float64`` or ``float32``.
        device: Where tensors live.
        progress: Told about every step.
        keys: How an adapter names its tensors: ``kohya`` or ``diffusers``.
        statistics: Key covariances, for edits of text encoders.
        stage_one: Keeps finished concepts of a stage one; None keeps none.

    Returns:
        ``{output, digest, sites, certificate, seconds, peak_mib}``.

    Raises:
        RequestError: A request is wrong, or is a debias without alphas.
    """
    from governance.miniature import pipeline_path
    from governance.service.parts.solving import solve_requests

    if str(folder) == "miniature" and not folder.exists():
        folder = pipeline_path()
    return solve_requests(
        folder,
        requests,
        output,
        form,
        precision,
        device,
        progress,
        keys,
        statistics,
        stage_one,
    )


def measure_edit(task: Task, progress: ProgressCallback) -> "Report":
    """Measure an edit of random weights against the published loop.

    Args:
        task: What is measured.
        progress: Told about every step.

    Raises:
        UsageError: The task means nothing.
    """
    from governance.benchmark.run import benchmark_edit

    return benchmark_edit(
        task, lambda step, done, total: progress(Progress(step, done, total))
    )


if __name__ == "__main__":
    sys.exit(worker.main(sys.argv[1:], open_workspace))
