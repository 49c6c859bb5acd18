"""What ``snapshot verify`` prints: what was found, what was checked, and the verdict."""

from collections.abc import Iterator, Mapping
from typing import Any

from governance.cli.output import print_line
from governance.service.views import ExportVerdict

_SHORT = 12


def print_verdict(verdict: ExportVerdict) -> None:
    """Print a verdict so that it can be filed as evidence.

    Args:
        verdict: The verdict; every text in it may be hostile.
    """
    for finding in verdict.findings:
        print_line(f"{finding.problem}  {finding.path}  {finding.message}".rstrip())
    if verdict.checked:
        for name, said in _checked(verdict.checked):
            print_line(f"{name:<10}{said}")
    for note in verdict.notes:
        print_line(f"note  {note}")
    print_line(_trust(verdict))


def _checked(checked: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    model, ledger = checked["model"], checked["ledger"]
    yield "snapshot", checked["snapshot"]
    yield "standing", checked["standing"]
    source = f" from {model['source']}" if model["source"] else ""
    yield "model", f"{model['name']}{source}, base digest {model['digest']}"
    yield "base", _base(checked["base"])
    for one in checked["edits"]:
        proposer = f"proposed by {one['proposer']}"
        yield "edit", f"{one['id']}  request {one['request']}, {proposer}"
    if not checked["edits"]:
        yield "edit", "none: this is the base model"
    yield from _signers(checked["signers"])
    yield (
        "ledger",
        f"{ledger['origin']}, {ledger['size']} entries, root {ledger['root']}",
    )
    whose = "the one you gave" if ledger["pinned"] else "the export's own, not pinned"
    yield "key", f"{ledger['key']} ({whose})"
    kept = checked["against"]
    yield (
        "against",
        f"your checkpoint of {kept['size']} entries, root {kept['root']}: continued"
        if kept
        else "no checkpoint was given",
    )
    derived = (
        f"derived: {checked['form']}" if checked["derived"] else "as it was signed"
    )
    yield "form", f"{derived}; {checked['files']} files"


def _base(found: str | None) -> str:
    if found is None:
        return "not compared (give --base): untouched tensors rest on model.sig alone"
    return f"compared with {found}, byte for byte"


def _signers(signers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    whose = "a key you gave" if signers["pinned"] else "a key of the export, not pinned"
    for one in signers["signatures"]:
        yield (
            "signer",
            (
                f"{one['principal']}  {one['fingerprint']} ({whose}): "
                f"{one['said']}, snapshot {str(one['snapshot'])[:_SHORT]}"
            ),
        )
    if not signers["signatures"]:
        yield "signer", "nobody signed"


def _trust(verdict: ExportVerdict) -> str:
    if not verdict.ok:
        return "NOT what was exported"
    if verdict.derived:
        matched = verdict.checked.get("signers")
        return (
            f"consistent; derived ({verdict.derived}) from the snapshot that was "
            "signed, so that no signature covers these very bytes; "
            + _matched(matched if isinstance(matched, Mapping) else {})
        )
    if verdict.trust == "pinned":
        return "consistent, signed by the keys you gave"
    return "consistent, authorship not proven (give --allowed-signers)"


def _matched(signers: Mapping[str, Any]) -> str:
    if signers.get("matched"):
        return "that snapshot is signed by the keys you gave"
    return "who signed that snapshot is not proven (give --allowed-signers)"
