"""The two decisions on a change of policy or roster, and what each is about."""

from collections.abc import Mapping
from dataclasses import replace

from governance.domain.change import ChangeKind, ChangeState
from governance.service.change_records import ChangeDetail
from governance.service.facade import Governance
from governance.tui.acts import APPROVE, REJECT, Act, Matter

APPROVE_CHANGE = replace(
    APPROVE,
    effect="Signs this change; the last approval that is needed puts it in force.",
)
REJECT_CHANGE = replace(
    REJECT, effect="Signs a rejection of this change; one is final."
)
CHANGE_ACTS = (APPROVE_CHANGE, REJECT_CHANGE)


def change_matter(governance: Governance, detail: ChangeDetail, act: Act) -> Matter:
    """Read what a decision on a change is about.

    Args:
        governance: The core.
        detail: The change as it is now.
        act: The decision.
    """
    return Matter(
        act=act,
        subject=detail.id,
        title=detail.summary,
        seen=governance.head(),
        digests=(("change", detail.digest), ("policy", governance.policy().digest)),
        confirm=detail.digest,
        change_id=detail.id,
        missing=detail.missing,
        # A name alone says nothing; the panel may cover the rest of the screen.
        facts=(("key", detail.fingerprint),) if detail.fingerprint else (),
    )


def change_reasons(
    governance: Governance, detail: ChangeDetail, *, readonly: bool
) -> Mapping[str, str]:
    """Say why each decision on a change is impossible; empty where it is possible.

    What only the signature itself can tell is said when it is refused.
    """
    reason = _reason(governance, detail, readonly=readonly)
    return {act.name: reason for act in CHANGE_ACTS}


def _reason(governance: Governance, detail: ChangeDetail, *, readonly: bool) -> str:
    if readonly:
        return "opened read-only"
    if detail.state is not ChangeState.PROPOSED:
        return f"it is {detail.state}, and decided"
    principal = governance.header().principal
    leaving = detail.kind is ChangeKind.REVIEWER_REVOKE
    if leaving and principal and detail.subject.get("principal") == principal:
        return "it is about you; somebody else has to sign"
    return ""
