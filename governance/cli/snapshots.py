"""Snapshots: list, show, compare, activate, export, verify."""

from pathlib import Path

import click

from governance.cli.detail import print_rollbacks
from governance.cli.options import GlobalOptions, global_options, pass_options
from governance.cli.output import narrate, print_json, print_line, print_table
from governance.cli.rollbacks import confirm_return, print_waiting, print_withdrawn
from governance.cli.session import opened, run_job
from governance.cli.signing import print_signed
from governance.cli.verdicts import print_verdict
from governance.errors import IntegrityError
from governance.service.facade import Job, JobKind
from governance.service.views import (
    SnapshotDetail,
    SnapshotSummary,
    to_json,
)


@click.group()
@global_options
def snapshot() -> None:
    """Look at, activate, export and verify states of the weights."""


@snapshot.command("list")
@global_options
@pass_options
def list_snapshots(options: GlobalOptions) -> None:
    """List every snapshot, newest first, the base last."""
    found = opened(options).snapshots(options.model)
    if options.as_json:
        print_json(to_json(found))
        return
    print_table(
        ("DIGEST", "CREATED", "MODEL", "STATE", "EDITS"),
        [
            (
                item.digest[:12],
                item.created,
                item.model,
                _standing(item),
                "base" if item.is_base else ", ".join(item.edits),
            )
            for item in found
        ],
    )


def _standing(item: SnapshotSummary | SnapshotDetail) -> str:
    words = [_stands(item), *(f"{one.action} waits" for one in item.waiting)]
    return ", ".join(word for word in words if word)


def _stands(item: SnapshotSummary | SnapshotDetail) -> str:
    if item.live:
        return "live"
    if item.was_live:
        return "was live"
    return "tensors given back" if item.released else ""


@snapshot.command("show")
@click.argument("name", metavar="S")
@global_options
@pass_options
def show(options: GlobalOptions, name: str) -> None:
    """Show one snapshot; S is a digest prefix, live, base or a live edit's id."""
    found = opened(options).snapshot(name, options.model)
    if options.as_json:
        print_json(to_json(found))
        return
    standing = _standing(found)
    print_line(f"{found.digest}  {standing}" if standing else found.digest)
    print_line(f"model    {found.model}")
    print_line(f"created  {found.created}")
    print_line(f"edits    {', '.join(found.edits) or 'none'}")
    print_rollbacks(found.waiting)
    print_table(("SHA256", "TENSOR"), [(v, k) for k, v in found.tensors.items()])


@snapshot.command("diff")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@global_options
@pass_options
def diff(options: GlobalOptions, first: str, second: str) -> None:
    """Say which edits and tensors differ from A to B."""
    found = opened(options).diff(first, second, options.model)
    if options.as_json:
        edits = {"added": list(found.added), "removed": list(found.removed)}
        print_json({"edits": edits, "tensors": to_json(found.tensors)})
        return
    print_line(f"added    {', '.join(found.added) or 'none'}")
    print_line(f"removed  {', '.join(found.removed) or 'none'}")
    rows = [(f"{site.norm:.6g}", site.name) for site in found.tensors]
    print_table(("NORM", "TENSOR"), rows)


@snapshot.command("activate")
@click.argument("name", metavar="S")
@click.option("--reason", required=True, help="Why; it is signed.")
@click.option("--withdraw", is_flag=True, help="End such a return that waits instead.")
@global_options
@pass_options
def activate(options: GlobalOptions, name: str, reason: str, *, withdraw: bool) -> None:
    """Return to the base, or to a snapshot that was live before.

    Where the policy asks for several signatures, everybody runs this command.
    """
    governance = opened(options)
    seen = governance.head()
    confirm_return(governance, name, options.model, withdraw=withdraw)
    act = governance.withdraw_return if withdraw else governance.activate
    acted = act(name, reason, model=options.model, seen=seen)
    if withdraw:
        print_withdrawn(options, "return", acted)
        return
    if options.as_json:
        print_json(to_json(acted))
        return
    held = f"not yet {acted.snapshot}" if acted.missing else ", ".join(acted.edits)
    print_line(f"live  {acted.live}  {held or 'no edits'}")
    print_signed(acted.signed)
    print_waiting(acted.snapshot or "", acted.missing)


@snapshot.command("export")
@click.argument("name", metavar="S")
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="New folder to write.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["diffusers", "delta", "lora"]),
    default="diffusers",
    show_default=True,
    help="The whole pipeline, factors in float64, or an adapter to load and unload.",
)
@click.option(
    "--keys",
    type=click.Choice(["kohya", "diffusers"]),
    help="How an adapter names its tensors; kohya where omitted.",
)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float16", "bfloat16"]),
    help="Cast the whole pipeline; as it was signed where omitted.",
)
@global_options
@pass_options
def export(
    options: GlobalOptions,
    name: str,
    output: Path,
    form: str,
    keys: str | None,
    dtype: str | None,
) -> None:
    """Write an audited folder that stock diffusers loads.

    All but --format diffusers without --dtype is derived from what was signed, and
    says so.
    """
    governance = opened(options)
    arguments = {
        "snapshot": name,
        "output": str(output.absolute()),
        "format": form,
        "keys": keys,
        "dtype": dtype,
        "model": options.model,
    }
    job = Job(JobKind.EXPORT, arguments)
    document = run_job(governance, job, "export")
    if options.as_json:
        print_json(document)
        return
    print_line(f"{document['path']}")
    print_line(f"snapshot  {document['digest']}")
    if not document["live"]:
        narrate(f"warning: {document['standing']}")


@snapshot.command("verify")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--allowed-signers",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Reviewers' keys you got by another way: who signed is proven by them.",
)
@click.option(
    "--ledger-key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The ledger's key you got by another way: whose ledger it is.",
)
@click.option(
    "--against",
    metavar="CHECKPOINT",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A checkpoint you kept: the export's ledger must continue it.",
)
@click.option(
    "--base",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="The base model's folder: what no edit names must be its own.",
)
@global_options
@pass_options
def verify(
    options: GlobalOptions,
    folder: Path,
    allowed_signers: Path | None,
    ledger_key: Path | None,
    against: Path | None,
    base: Path | None,
) -> None:
    """Verify an exported folder, offline and without a workspace."""
    from governance.wiring import verify_export

    verdict = verify_export(folder, allowed_signers, ledger_key, against, base)
    if options.as_json:
        print_json(to_json(verdict))
    else:
        print_verdict(verdict)
    if not verdict.ok:
        raise click.exceptions.Exit(int(IntegrityError.exit_code))
