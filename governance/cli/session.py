"""From the command line's options to an open workspace, and long work in between."""

from collections.abc import Callable, Mapping

from governance.canonical import JSON
from governance.cli.options import GlobalOptions
from governance.cli.output import narrate
from governance.cli.progress import ProgressLine
from governance.domain.roster import OUTSIDE
from governance.domain.signoff import Head
from governance.service.facade import Governance, Job
from governance.settings import Settings


def settings_of(options: GlobalOptions) -> Settings:
    """Turn the global options, the environment and the defaults into settings."""
    given = options.given
    return Settings.load(
        workspace=given.get("workspace"),
        database_url=given.get("database_url"),
        device=given.get("device"),
        principal=given.get("principal"),
        key=given.get("key"),
        readonly=bool(given.get("readonly")),
    )


def opened(options: GlobalOptions) -> Governance:
    """Open the workspace the options name."""
    from governance.wiring import open_workspace

    return open_workspace(settings_of(options))


def acting(options: GlobalOptions) -> Governance:
    """Open the workspace for what is recorded unsigned, and say under what name.

    Raises:
        NotFoundError: ``--as`` names nobody on the roster.
    """
    governance = opened(options)
    if not settings_of(options).readonly:
        name = governance.actor()
        if name.startswith(OUTSIDE):
            given = settings_of(options).principal
            why = (
                "nobody on the roster is known to act here (no key of theirs signs, or "
                "several people's do; --as says who)"
                if given is None
                else f"nothing here can sign for {given}"
            )
            narrate(f"{why}: it will be recorded as {name}")
    return governance


def run_job(
    governance: Governance,
    job: Job,
    label: str,
    *,
    seen: Head | None = None,
    before: Callable[[Mapping[str, JSON]], None] | None = None,
) -> Mapping[str, JSON]:
    """Compute a job with progress on stderr, then record it.

    Args:
        governance: The workspace.
        job: What is to be done.
        label: What progress is told of.
        seen: Ledger head its signer saw.
        before: Looks at what was computed, and raises where it is not to be recorded.
    """
    with governance.holding():
        with ProgressLine(label) as progress:
            result = governance.compute(job, progress)
        if before is not None:
            before(result)
        return governance.finish(job, result, seen=seen)
