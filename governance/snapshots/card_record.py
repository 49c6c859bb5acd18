"""Decisions, policy and ledger of a model card."""

import json
import re
import shlex
from collections.abc import Iterator

import yaml

from governance.canonical import canonical_bytes
from governance.domain.signoff import Signed
from governance.snapshots.inputs import ExportedPolicy, ExportInputs
from governance.snapshots.markup import code, table, words
from governance.snapshots.record import SIGNERS, SIGNOFFS, namespace_of
from governance.snapshots.request_words import plain
from governance.text import safe

_NO_DIGIT = re.compile("[^0-9]")
_ELSEWHERE = (
    f"# Who signed: replace {SIGNERS} by a file you got another way, or these lines "
    "show only that the export agrees with itself."
)


def decisions(inputs: ExportInputs) -> Iterator[str]:
    """Yield every signature and what it was given for.

    Args:
        inputs: What the export is made from.
    """
    yield "## 5. Decisions and signatures"
    for index, signed in enumerate(inputs.signoffs, start=1):
        yield _decision(index, signed)
    if not inputs.signoffs:
        yield "Nobody signed."


def _decision(index: int, signed: Signed) -> str:
    said = signed.document
    rows = [
        [name, words(plain(said[key]))]
        for name, key in (
            ("Decision", "decision"),
            ("Action", "action"),
            ("Role", "role"),
            ("Comment", "comment"),
            ("Reason", "reason"),
            ("Time", "time"),
        )
        if said.get(key)
    ]
    rows += [
        [name, code(plain(said[key]))]
        for name, key in (
            ("Candidate", "candidate"),
            ("Snapshot", "snapshot"),
            ("Evidence", "evidence"),
            ("Policy", "policy"),
        )
        if said.get(key)
    ]
    rows.append(["Key", code(signed.key)])
    rows.append(["Ledger entry", str(signed.sequence)])
    head = [f"{index}. {words(signed.principal)}", f"`{SIGNOFFS}/{index}.json`"]
    return table(head, rows)


def policy(found: ExportedPolicy) -> str:
    """Return the policy, verbatim.

    Args:
        found: The policy the decisions were made under.
    """
    document = json.loads(canonical_bytes(found.document))
    text = yaml.safe_dump(document, allow_unicode=True, sort_keys=True)
    return (
        f"## 6. Policy\n\nUnder policy {words(found.name)}, version {found.version}, "
        f"digest {code(found.digest)}; the same text is `governance/policy.yaml`: its canonical form, every rule in the "
        "order of their names, without the comments of the file it was written in."
        f"\n\n{fenced(text, 'yaml')}"
    )


def fenced(text: str, kind: str = "") -> str:
    """Return text of several lines that no line of it can end.

    Args:
        text: Anything.
        kind: Language of the text.
    """
    shown = "\n".join(safe(line, 1000) for line in text.rstrip("\n").split("\n"))
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{kind}\n{shown}\n{fence}"


def ledger(inputs: ExportInputs) -> str:
    """Return the ledger's head, and how to check all of it.

    Args:
        inputs: What the export is made from.
    """
    parts = [
        "## 7. Ledger and proofs",
        (
            f"Ledger {code(inputs.origin)}, {inputs.head.size} entries, root "
            f"{code(inputs.head.root)} at the time of the export."
        ),
    ]
    log = inputs.log
    if log is not None:
        parts.append(
            f"`governance/proofs.json` proves that {len(log.entries)} entries this "
            f"record rests on, and {len(log.heads)} heads that signers saw, are in the "
            "ledger with this signed head; keep a copy of it elsewhere:"
        )
        parts.append(fenced(log.checkpoint))
    return "\n\n".join((*parts, _checking(inputs)))


def _checking(inputs: ExportInputs) -> str:
    block = "\n".join(check_lines(inputs))
    return f"### Check it yourself\n\n```sh\n{block}\n```"


def check_lines(inputs: ExportInputs) -> tuple[str, ...]:
    """Return shell commands that check an export, run in its folder.

    Args:
        inputs: What the export is made from.
    """
    return (
        "governance snapshot verify . --allowed-signers FILE_YOU_TRUST",
        (
            "jq -r '.files[] | \"\\(.sha256)  \\(.path)\"' governance/manifest.json "
            "| sha256sum -c --strict --quiet"
        ),
        *([_ELSEWHERE] if inputs.signoffs else ()),
        *(_verify_line(index, one) for index, one in enumerate(inputs.signoffs, 1)),
    )


def _verify_line(index: int, signed: Signed) -> str:
    # Whoever signed may have been revoked since: it counts that the key held then.
    # The time that was signed, as ``snapshot verify`` takes it.
    stamp = _NO_DIGIT.sub("", str(signed.document.get("time") or signed.time))[:14]
    principal = shlex.quote(safe(signed.principal, 200).replace("`", ""))
    file = f"{SIGNOFFS}/{index}.json"
    return (
        f"ssh-keygen -Y verify -f {SIGNERS} -I {principal} "
        f"-n {namespace_of(signed.document)} -O verify-time={stamp}Z "
        f"-s {file}.sshsig < {file}"
    )
