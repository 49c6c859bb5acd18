"""What taking back leads to, as a decision's panel says it before anybody signs."""

from collections.abc import Iterator, Mapping, Sequence

from governance.service.facade import Governance
from governance.service.views import RollbackView

Facts = tuple[tuple[str, str], ...]


def taking_back_facts(
    governance: Governance,
    model: str,
    staying: Sequence[str] | None,
    leaving: Sequence[str] = (),
    waiting: Sequence[RollbackView] = (),
) -> Facts:
    """Say what goes out, what stays, what is live, and whose signatures it takes.

    Args:
        governance: The core.
        model: Model name.
        staying: Edits of the snapshot that goes live; all but ``leaving`` if omitted.
        leaving: Edits that leave; all but ``staying`` if omitted.
        waiting: The same, where it was signed already and waits.
    """
    live = governance.snapshot("live", model)
    if staying is None:
        staying = tuple(item for item in live.edits if item not in leaving)
    else:
        leaving = tuple(item for item in live.edits if item not in staying)
    return (
        ("goes out", ", ".join(leaving) or "nothing"),
        ("stays", ", ".join(staying) or "nothing: the base"),
        ("live now", live.digest),
        ("takes", "; ".join(_signatures(governance, waiting))),
    )


def _signatures(
    governance: Governance, waiting: Sequence[RollbackView]
) -> Iterator[str]:
    rule = governance.policy().spec.get("rollback")
    wanted = rule.get("required_approvals", 1) if isinstance(rule, Mapping) else 1
    yield "1 signature" if wanted == 1 else f"{wanted} signatures, by as many people"
    for rollback in waiting:
        who = ", ".join(item.principal for item in rollback.signoffs)
        yield f"signed by {who}"
