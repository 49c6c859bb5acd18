"""Edits: propose, look at, solve, check, sign, take back."""

from functools import partial
from pathlib import Path

import click

from governance.canonical import JSON
from governance.cli.detail import print_detail
from governance.cli.options import GlobalOptions, global_options, pass_options
from governance.cli.output import print_json, print_line, print_missing, print_table
from governance.cli.pages import write_page
from governance.cli.rollbacks import (
    confirm_revert,
    confirm_withdrawal,
    print_waiting,
    print_withdrawn,
    signed_of,
)
from governance.cli.session import acting, opened, run_job
from governance.cli.signing import confirm_digests, print_signed
from governance.domain.lifecycle import EditState
from governance.domain.signoff import Decision
from governance.errors import CheckFailedError
from governance.service.facade import Job, JobKind
from governance.service.fields import text, texts
from governance.service.views import Acted, to_json


@click.group()
@global_options
def edit() -> None:
    """Propose, check, approve, refuse, apply and revert concept edits."""


@edit.command("propose")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@global_options
@pass_options
def propose(options: GlobalOptions, files: tuple[Path, ...]) -> None:
    """Validate, judge, sign and record request files: all of them or none."""
    governance = opened(options)
    proposed = governance.propose(files)
    details = [governance.edit(item.id) for item in proposed]
    if options.as_json:
        print_json(
            [
                {
                    "id": detail.id,
                    "digest": detail.digest,
                    "state": detail.state.value,
                    "findings": to_json(detail.findings),
                }
                for detail in details
            ]
        )
        return
    for detail in details:
        print_line(f"{detail.id}  {detail.state}  {detail.summary.title}")
        for finding in detail.findings:
            print_line(f"  {finding.outcome}  {finding.rule}: {finding.message}")


@edit.command("list")
@click.option(
    "--state",
    type=click.Choice([state.value for state in EditState], case_sensitive=False),
    help="Only edits in this state.",
)
@global_options
@pass_options
def list_edits(options: GlobalOptions, state: str | None) -> None:
    """List the edits, newest first."""
    wanted = None if state is None else EditState(state.upper())
    found = opened(options).edits(wanted, options.model)
    if options.as_json:
        print_json(to_json(found))
        return
    print_table(
        ("ID", "STATE", "EVIDENCE", "ACTION", "METHOD", "MODEL", "BY", "TITLE"),
        [
            (
                item.id,
                item.state,
                item.evidence,
                item.action,
                item.method,
                item.model,
                item.proposer,
                f"{item.title}  ({item.rollback})" if item.rollback else item.title,
            )
            for item in found
        ],
    )


@edit.command("show")
@click.argument("edit_id", metavar="ID")
@click.option("--text", "as_text", is_flag=True, help="As text, the default.")
@click.option(
    "--report",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Also write all of it, pictures too, as one HTML page.",
)
@global_options
@pass_options
def show(
    options: GlobalOptions, edit_id: str, *, as_text: bool, report: Path | None
) -> None:
    """Show everything a reviewer looks at before deciding."""
    governance = opened(options)
    detail = governance.edit(edit_id)
    page = (
        None
        if report is None
        else write_page(report, governance.report(edit_id, report))
    )
    if options.as_json and not as_text:
        body = to_json(detail)
        assert isinstance(body, dict)  # noqa: S101 - a dataclass is a JSON object
        told = {} if page is None else {"report": str(page)}
        print_json({**body, "evidence": detail.evidence.value, **told})
        return
    print_detail(detail)
    if page is not None:
        print_line(f"report     {page}")


@edit.command("withdraw")
@click.argument("edit_id", metavar="ID")
@click.option("--reason", required=True, help="Why; it stays in the ledger.")
@global_options
@pass_options
def withdraw(options: GlobalOptions, edit_id: str, reason: str) -> None:
    """Take a proposal back before it goes live."""
    _print_acted(options, acting(options).withdraw(edit_id, reason))


@edit.command("apply")
@click.argument("edit_ids", metavar="ID...", nargs=-1, required=True)
@global_options
@pass_options
def apply(options: GlobalOptions, edit_ids: tuple[str, ...]) -> None:
    """Solve edits with the live ones into one candidate; live is untouched."""
    governance = acting(options)
    job = Job(JobKind.APPLY, {"edits": list(edit_ids)})
    document = run_job(governance, job, "apply")
    if options.as_json:
        print_json(document)
        return
    print_line(f"candidate  {document['candidate']}")
    for edit_id in edit_ids:
        detail = governance.edit(edit_id)
        print_table(
            ("EDIT", "SOURCE", "RESIDUAL", "DRIFT", "CONDITION", "NOTE"),
            [
                (
                    row.edit,
                    row.source,
                    f"{row.residual:.3g}",
                    f"{row.drift:.3g}",
                    f"{row.condition:.3g}",
                    row.note,
                )
                for row in detail.certificate
            ],
        )
        break  # edits applied together share one candidate and one certificate


@edit.command("check")
@click.argument("edit_id", metavar="ID")
@click.option("--suite", metavar="quick|FILE", default="quick", show_default=True)
@global_options
@pass_options
def check(options: GlobalOptions, edit_id: str, suite: str) -> None:
    """Measure the candidate against base and live; store and judge the evidence."""
    governance = acting(options)
    job = Job(JobKind.CHECK, {"edit": edit_id, "suite": suite})
    document = run_job(governance, job, "check")
    if options.as_json:
        print_json(document)
    else:
        print_detail(governance.edit(edit_id), only_evidence=True)
    if document["outcome"] != "PASS":
        raise click.exceptions.Exit(int(CheckFailedError.exit_code))


@edit.command("preview")
@click.argument("edit_id", metavar="ID")
@click.option("--prompt", required=True, help="Prompt to draw.")
@click.option("--seeds", type=click.IntRange(1, 64), default=4, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), help="Folder for the PNGs.")
@global_options
@pass_options
def preview(
    options: GlobalOptions, edit_id: str, prompt: str, seeds: int, output: Path | None
) -> None:
    """Draw the same seeds before and after."""
    governance = opened(options)
    arguments: dict[str, JSON] = {
        "edit": edit_id,
        "prompt": prompt,
        "seeds": seeds,
        "output": None if output is None else str(output.absolute()),
    }
    document = run_job(governance, Job(JobKind.PREVIEW, arguments), "preview")
    if options.as_json:
        print_json(document)
        return
    images = document["images"]
    assert isinstance(images, list)  # noqa: S101 - the contract's shape
    for image in images:
        print_line(f"{image['seed']}  {image['before']}  {image['after']}")


@edit.command("sign")
@click.argument("edit_id", metavar="ID")
@click.option(
    "--decision", required=True, type=click.Choice([item.value for item in Decision])
)
@click.option("--comment", required=True, help="Your reason; it is signed.")
@click.option("--role", help="Role you sign in  [default: the one the policy needs]")
@click.option("--candidate", metavar="D", help="Candidate digest you looked at.")
@click.option("--evidence", metavar="D", help="Evidence digest you looked at.")
@global_options
@pass_options
def sign(
    options: GlobalOptions,
    edit_id: str,
    decision: str,
    comment: str,
    role: str | None,
    candidate: str | None,
    evidence: str | None,
) -> None:
    """Sign exactly this candidate and this evidence."""
    governance = opened(options)
    seen = governance.head()
    wanted = Decision(decision)
    detail = governance.edit(edit_id)
    candidate, evidence = confirm_digests(
        governance, detail, wanted, candidate, evidence
    )
    acted = governance.sign(
        edit_id,
        wanted,
        comment,
        role=role,
        candidate=candidate,
        evidence=evidence,
        seen=seen,
    )
    _print_acted(options, acted)


@edit.command("revert")
@click.argument("edit_id", metavar="ID")
@click.option("--reason", required=True, help="Why; it is signed.")
@click.option("--withdraw", is_flag=True, help="End a revert that waits instead.")
@click.option("--snapshot", metavar="D", help="Sign the revert that waits as it is.")
@global_options
@pass_options
def revert(
    options: GlobalOptions,
    edit_id: str,
    reason: str,
    *,
    withdraw: bool,
    snapshot: str | None,
) -> None:
    """Take a live edit out; all others stay.

    Where the policy asks for several signatures, everybody runs this command.
    """
    governance = opened(options)
    seen = governance.head()
    if withdraw:
        confirm_withdrawal(governance, edit_id, snapshot)
        acted = governance.withdraw_revert(
            edit_id, reason, snapshot=snapshot, seen=seen
        )
        print_withdrawn(options, "revert", acted)
        return
    job = Job(JobKind.REVERT, {"edit": edit_id, "reason": reason, "snapshot": snapshot})
    document = run_job(
        governance, job, "revert", seen=seen, before=partial(confirm_revert, governance)
    )
    if options.as_json:
        print_json(document)
        return
    print_line(f"{edit_id}  {document['state']}  live {document['live']}")
    missing = texts(document, "missing")
    print_signed(signed_of(document))
    print_waiting(text(document, "snapshot"), missing)


def _print_acted(options: GlobalOptions, acted: Acted) -> None:
    if options.as_json:
        print_json(to_json(acted))
        return
    print_line(f"{', '.join(acted.edits)}  {acted.state}  live {acted.live}")
    print_signed(acted.signed)
    print_missing(acted.missing)
