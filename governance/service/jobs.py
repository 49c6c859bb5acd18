"""Long work by kind: which function computes it, which one records it."""

import json
import sys
from collections.abc import Mapping, Sequence

from governance.canonical import JSON
from governance.domain.signoff import Head
from governance.service.applying import compute_apply, finish_apply
from governance.service.checking import compute_check, finish_check
from governance.service.drawing import compute_measure, compute_preview
from governance.service.exporting import compute_export
from governance.service.facade import Job, JobKind, ProgressCallback
from governance.service.fields import optional_text, text, texts
from governance.service.identity import refuse_stranger
from governance.service.reverting import compute_revert, finish_revert
from governance.service.workspace import Workspace

_RECORDED = frozenset({JobKind.APPLY, JobKind.CHECK, JobKind.REVERT})
WORKER = "governance.wiring"
"""Module that opens a workspace and runs one job when started with ``-m``."""


def compute(
    workspace: Workspace, job: Job, progress: ProgressCallback
) -> Mapping[str, JSON]:
    """Do a job's work.

    Args:
        workspace: The workspace.
        job: What is computed.
        progress: Told about every step.

    Returns:
        What :func:`finish` takes.
    """
    arguments = job.arguments
    _refuse_early(workspace, job)
    match job.kind:
        case JobKind.APPLY:
            return compute_apply(workspace, texts(arguments, "edits"), progress)
        case JobKind.CHECK:
            suite = optional_text(arguments, "suite") or "quick"
            return compute_check(workspace, text(arguments, "edit"), suite, progress)
        case JobKind.REVERT:
            return compute_revert(
                workspace,
                text(arguments, "edit"),
                text(arguments, "reason"),
                progress,
                optional_text(arguments, "snapshot"),
            )
        case JobKind.PREVIEW:
            return compute_preview(workspace, arguments, progress)
        case JobKind.MEASURE:
            return compute_measure(workspace, arguments, progress)
        case JobKind.EXPORT:
            return compute_export(workspace, arguments, progress)


def _refuse_early(workspace: Workspace, job: Job) -> None:
    """Refuse what would be refused when it is recorded, hours of work later."""
    if job.kind is not JobKind.EXPORT:
        workspace.refuse_readonly(job.kind.value)
    if job.kind in _RECORDED:
        state = workspace.state
        refuse_stranger(workspace.settings, state.roster, state.size + 1)


def finish(
    workspace: Workspace, job: Job, result: Mapping[str, JSON], seen: Head | None
) -> Mapping[str, JSON]:
    """Record a job's result where the ledger has a word for it.

    Args:
        workspace: The workspace.
        job: What was computed.
        result: What came out.
        seen: Ledger head its signer saw.

    Returns:
        The command's JSON document.
    """
    match job.kind:
        case JobKind.APPLY:
            return finish_apply(workspace, result)
        case JobKind.CHECK:
            return finish_check(workspace, result)
        case JobKind.REVERT:
            reason = text(job.arguments, "reason")
            return finish_revert(workspace, reason, result, seen)
        case JobKind.PREVIEW | JobKind.MEASURE | JobKind.EXPORT:
            return result


def worker_command(workspace: Workspace, job: Job) -> Sequence[str]:
    """Return the argv of a child process that computes a job."""
    order = {
        "settings": workspace.settings.document(),
        "kind": job.kind.value,
        "arguments": job.arguments,
    }
    return (sys.executable, "-m", WORKER, json.dumps(order))
