"""Cases that try a policy: a request, evidence and sign-offs, and what must follow."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field as Limit

from governance.documents.fields import Field
from governance.documents.models import Strict, model_of
from governance.documents.nodes import Node, Scalar, Table
from governance.documents.request import API_VERSION, KIND, read_request
from governance.documents.yaml import read_documents
from governance.domain.request import EditRequest
from governance.policy.outcome import Outcome
from governance.text import safe

_REQUEST = ("spec", "request")
_LIVE = ("spec", "live")
Word = Annotated[str, Limit(min_length=1, max_length=200)]


class Person(Strict):
    """Somebody of the roster.

    Args:
        principal: Name.
        key: Their key; one of their own where omitted.
        roles: Roles they hold.
        revoked: Whether their key no longer counts when the approvals are used.
    """

    principal: Word
    key: Word | None = None
    roles: tuple[Word, ...] = ("reviewer",)
    revoked: bool = False


class Proposer(Strict):
    """Who proposed it, with which key; not ``signed`` is nobody's word."""

    principal: Word
    key: Word | None = None
    signed: bool = True


class Figure(Strict):
    """One measured figure of the evidence."""

    metric: Word
    value: float | None
    low: float | None = None
    high: float | None = None
    n: Annotated[int, Limit(ge=0)] | None = None
    target: float | None = None


class CaseEvidence(Strict):
    """What was measured.

    Args:
        suite: Whether the policy's suite was run, or one of somebody's own.
        judged_by: Whether the policy in force judged it, or another.
        figures: The figures.
    """

    suite: Literal["policy", "own"] = "policy"
    judged_by: Literal["policy", "another"] = "policy"
    figures: tuple[Figure, ...] = ()


class CaseSignOff(Strict):
    """One signed decision.

    Args:
        principal: Who signed.
        key: With which key; their own where omitted.
        role: In which role; the first they hold where omitted.
        decision: Approve or reject.
        days_ago: Age when it is used.
        about: Parts of the statement that speak of something else than this case.
    """

    principal: Word
    key: Word | None = None
    role: Word | None = None
    decision: Literal["approve", "reject"] = "approve"
    days_ago: Annotated[int, Limit(ge=0, le=36_500)] = 0
    about: tuple[
        Literal["candidate", "evidence", "policy", "edits", "principal"], ...
    ] = ()


class Expected(Strict):
    """What must follow.

    Args:
        live: Whether the edit may go live.
        rules: Rule to its outcome; rules that are not named are not looked at.
    """

    live: bool
    rules: Annotated[
        Mapping[Word, Literal["PASS", "FAIL", "MISSING"]], Limit(min_length=1)
    ]


class _CaseSpec(Strict):
    policy: Annotated[str, Limit(min_length=1, max_length=1024)]
    request: Mapping[str, object]
    live: tuple[Mapping[str, object], ...] = ()
    proposer: Proposer = Proposer(principal="proposer")
    roster: tuple[Person, ...] = ()
    evidence: CaseEvidence | None = None
    signoffs: tuple[CaseSignOff, ...] = ()
    expect: Expected


class _Titled(Strict):
    title: Annotated[str, Limit(min_length=1, max_length=200)]
    description: Annotated[str, Limit(max_length=2000)] = ""


class _CaseDocument(Strict):
    apiVersion: Literal["governance/v1"]  # noqa: N815 - the file's own word
    kind: Literal["PolicyCase"]
    metadata: _Titled
    spec: _CaseSpec


@dataclass(frozen=True, slots=True)
class PolicyCase:
    """One case.

    Args:
        title: What it shows.
        file: Its file.
        policy: Name of a shipped policy, or a path beside the file.
        spec: The rest, as written.
        request: Its request's field, read when the case is tried: that a request is
            refused as such is an outcome too.
        live: Fields of the live edits' requests.
    """

    title: str
    file: Path
    policy: str
    spec: _CaseSpec
    request: Field
    live: tuple[Field, ...]

    def read(self) -> EditRequest:
        """Read the request.

        Raises:
            RequestError: It is refused before any policy sees it.
        """
        return read_request(self.request, self.file.parent).request

    def read_live(self) -> Mapping[str, EditRequest]:
        """Read the requests of the live edits, by id.

        Raises:
            RequestError: One is wrong.
        """
        return {
            f"E-{number:04d}": read_request(field, self.file.parent).request
            for number, field in enumerate(self.live, start=1)
        }

    @property
    def expected(self) -> Mapping[str, Outcome]:
        """The outcomes that must be found, by rule."""
        return {name: Outcome(word) for name, word in self.spec.expect.rules.items()}


def load_cases(path: Path) -> tuple[PolicyCase, ...]:
    """Read every case of a file.

    Args:
        path: YAML file with one document or several.

    Raises:
        NotFoundError: There is no such file.
        RequestError: Something in it is wrong; says what and where.
    """
    name = safe(path.name, 200)
    return tuple(_case(Field(node, file=name), path) for node in read_documents(path))


def _case(root: Field, path: Path) -> PolicyCase:
    parsed = model_of(_CaseDocument, Field(_without_request(root.node), "", root.file))
    return PolicyCase(
        title=parsed.metadata.title,
        file=path,
        policy=parsed.spec.policy,
        spec=parsed.spec,
        request=_request(root.at(_REQUEST)),
        live=tuple(map(_request, root.at(_LIVE).children().values()))
        if parsed.spec.live
        else (),
    )


def _without_request(node: Node) -> Node:
    """Leave out what the request says: that it is no request is for the trial."""
    spec = node.entries.get("spec") if isinstance(node, Table) else None
    if not (isinstance(node, Table) and isinstance(spec, Table)):
        return node
    request = spec.entries.get("request")
    if not isinstance(request, Table):
        return node
    entries = {**spec.entries, "request": Table({}, request.line)}
    return Table({**node.entries, "spec": Table(entries, spec.line)}, node.line)


def _request(spec: Field) -> Field:
    """Put a request's outer form around its ``spec``; lines stay those of the case."""
    line = spec.node.line

    def word(text: str) -> Node:
        return Scalar(text, plain=False, line=line)

    metadata = {"title": word("a case"), "model": word("model"), "rationale": word("-")}
    entries = {
        "apiVersion": word(API_VERSION),
        "kind": word(KIND),
        "metadata": Table(metadata, line),
        "spec": spec.node,
    }
    return Field(Table(entries, line), file=spec.file)
