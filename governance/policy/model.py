"""A policy as frozen types, in the words people know."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field as Limit
from pydantic import field_validator, model_validator

from governance.canonical import JSON, sha256_hex
from governance.documents.models import Strict
from governance.documents.suite import Metadata, Suite
from governance.domain.request import Action, Method
from governance.text import has_words

Word = Annotated[str, Limit(min_length=1, max_length=64)]
Name = Annotated[str, Limit(min_length=1, max_length=120)]
Approvals = Annotated[int, Limit(ge=0, le=20)]
MetricPattern = Annotated[str, Limit(pattern=r"^[a-z_]+(\.(\*|[^*]{1,120}))?$")]


class Range(Strict):
    """Bounds of one number, both included."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _bounded(self) -> "Range":
        if self.min is None and self.max is None:
            raise ValueError("expected min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"expected min <= max, found {self.min:g} > {self.max:g}")
        return self


class ActionRule(Strict):
    """What one action may do.

    Args:
        methods: Methods it may use.
        limits: Parameter name, or ``concepts`` or ``preserve`` for their number, to
            its range. A limited parameter must be written in the request.
    """

    methods: Annotated[tuple[Method, ...], Limit(min_length=1)]
    limits: Mapping[Name, Range] = Limit(default_factory=dict)


class Threshold(Strict):
    """A limit on one metric.

    Args:
        metric: Metric name; ``ratio.*`` is every attribute's.
        op: How the bound is compared; ``within``: distance from the wanted value.
        value: The limit.
        bound: What is compared: the value, or an end of its interval.
        min_n: Fewest trials the figure must rest on.
        actions: Actions it holds for; all where omitted.
    """

    metric: MetricPattern
    op: Literal[">=", "<=", ">", "<", "within"]
    value: float
    bound: Literal["point", "ci_lower", "ci_upper"] = "point"
    min_n: Annotated[int, Limit(ge=0)] = 0
    actions: tuple[Action, ...] = tuple(Action)

    @model_validator(mode="after")
    def _interval_needs_trials(self) -> "Threshold":
        if self.bound != "point" and self.min_n < 1:
            raise ValueError("expected min_n >= 1 beside an interval bound")
        return self


class ProtectedConcept(Strict):
    """Words that no edit may touch, or only with more approvals.

    Args:
        name: Name of the rule.
        words: Words and phrases, matched however they are written.
        rule: ``refuse``, or ``approvals``.
        required_approvals: With ``approvals``: how many it takes.
        actions: Actions it holds for; all where omitted.
        reason: Why, for people.
    """

    name: Name
    words: Annotated[tuple[Word, ...], Limit(min_length=1, max_length=10_000)]
    rule: Literal["refuse", "approvals"]
    required_approvals: Approvals | None = None
    actions: tuple[Action, ...] = tuple(Action)
    reason: Annotated[str, Limit(max_length=2000)] = ""

    @field_validator("words")
    @classmethod
    def _matchable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for word in value:
            if not has_words(word):
                raise ValueError(f"expected letters or digits in {word!r}")
        return value

    @model_validator(mode="after")
    def _approvals_stated(self) -> "ProtectedConcept":
        if (self.rule == "approvals") != (self.required_approvals is not None):
            raise ValueError("expected required_approvals exactly with rule: approvals")
        return self


class Rollback(Strict):
    """Who may take an edit back, or return to an earlier snapshot."""

    required_approvals: Annotated[int, Limit(ge=1, le=20)] = 1
    reason_required: bool = True
    proposer_allowed: bool = True


class PolicySpec(Strict):
    """The rules.

    Args:
        enforcement: ``audit`` records findings and refuses nothing at propose.
        required_approvals: Approvals a candidate needs.
        distinct_from_proposer: Whether approver and proposer differ, by principal
            and by key.
        dismiss_stale: Always true: an approval names one candidate and its evidence.
        expires_days: Days an approval counts.
        roles: Roles that may sign, each with the fewest approvals it must give.
        actions: What each action may do; an action not named is forbidden.
        thresholds: Limits on evidence; each that matches must hold.
        protected_concepts: Words under protection.
        suite: Suite file, or its digest once recorded.
        allow_imported_targets: Whether values, images and alphas may be given.
        conflicts: What happens to a preserved text that a live edit changes.
        rollback: Who may take back.
    """

    enforcement: Literal["enforce", "audit"] = "enforce"
    required_approvals: Annotated[int, Limit(ge=1, le=20)]
    distinct_from_proposer: bool
    dismiss_stale: Literal[True] = True
    expires_days: Annotated[int, Limit(ge=1, le=3650)] = 30
    roles: Annotated[Mapping[Name, Approvals], Limit(min_length=1)]
    actions: Annotated[Mapping[Action, ActionRule], Limit(min_length=1)]
    thresholds: tuple[Threshold, ...]
    protected_concepts: tuple[ProtectedConcept, ...] = ()
    suite: Annotated[str, Limit(min_length=1, max_length=1024)]
    allow_imported_targets: bool = False
    conflicts: Literal["refuse", "drop_preserve"] = "refuse"
    rollback: Rollback = Rollback()

    @model_validator(mode="after")
    def _actions_measured(self) -> "PolicySpec":
        for action in self.actions:
            if not any(action in threshold.actions for threshold in self.thresholds):
                raise ValueError(
                    f"expected a threshold for action {action}, found none"
                )
        return self

    @model_validator(mode="after")
    def _roles_fit(self) -> "PolicySpec":
        needed = sum(self.roles.values())
        if needed > self.required_approvals:
            raise ValueError(
                f"expected required_approvals >= {needed}, what the roles add up to, "
                f"found {self.required_approvals}"
            )
        return self


class PolicyDocument(Strict):
    """The file's outer form."""

    apiVersion: Literal["governance/v1"]  # noqa: N815 - the file's own word
    kind: Literal["Policy"]
    metadata: Metadata
    spec: PolicySpec


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy and the suite whose evidence it accepts.

    Args:
        metadata: Name and version.
        spec: The rules.
        suite: The suite it names.
        document: As written, with the suite's digest in place of its path.
        canonical: Canonical bytes of the document.
    """

    metadata: Metadata
    spec: PolicySpec
    suite: Suite
    document: Mapping[str, JSON]
    canonical: bytes

    @property
    def name(self) -> str:
        """Name, such as ``default``."""
        return self.metadata.name

    @property
    def version(self) -> int:
        """Version; only ever grows."""
        return self.metadata.version

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical bytes."""
        return sha256_hex(self.canonical)
