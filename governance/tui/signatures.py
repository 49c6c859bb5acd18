"""The Signatures tab: who signed what, what is missing, how to check it."""

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping, Sequence

from textual.content import Content

from governance.canonical import JSON
from governance.service.views import EditDetail, RollbackHand, SignOffView
from governance.tui.commands import command_rows
from governance.tui.evidence import heading
from governance.tui.paint import cell, line, lines, own, paragraph, shown
from governance.tui.words import Tone

_DIGESTS = ("candidate", "evidence", "digest", "policy")


def fingerprint(key: str) -> str:
    """Return ``SHA256:...`` of a ``type base64`` key, as ``ssh-keygen -l`` prints it.

    Args:
        key: OpenSSH public key text; comes from outside.
    """
    parts = key.split()
    try:
        blob = base64.b64decode(parts[1], validate=True)
    except (IndexError, binascii.Error):
        return "unreadable key"
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode()
    return f"SHA256:{digest.rstrip('=')}"


def signatures_content(detail: EditDetail) -> Content:
    """Lay out what is missing, every sign-off, and the commands that verify them."""
    return lines(
        signature_rows(
            detail.missing,
            detail.signoffs,
            detail.verify_lines,
            nobody="nobody has signed this candidate",
            taking_back=detail.taking_back,
        )
    )


def signature_rows(
    missing: Sequence[str],
    signoffs: Sequence[SignOffView],
    verify_lines: Sequence[str],
    *,
    nobody: str,
    taking_back: Sequence[RollbackHand] = (),
) -> list[Content]:
    """Lay out the signatures on an edit or a change.

    Args:
        missing: What is missing, in words.
        signoffs: Who signed.
        verify_lines: Commands that check the signatures.
        nobody: What to say where nobody signed.
        taking_back: Who signed for taking an edit out, or for ending that.
    """
    rows: list[Content] = [heading("Still missing")]
    rows += [line("  ", shown(item, Tone.WAIT)) for item in missing]
    if not missing:
        rows.append(own("  nothing", Tone.DIM))
    rows += [Content(""), heading(f"Sign-offs ({len(signoffs)})")]
    if not signoffs:
        rows.append(own(f"  {nobody}", Tone.DIM))
    for signoff in signoffs:
        rows += [*_signoff(signoff), Content("")]
    if taking_back:
        rows.append(heading(f"Taking it back ({len(taking_back)})"))
    for hand in taking_back:
        rows += [*_hand(hand), Content("")]
    if verify_lines:
        rows += [Content(""), heading("Check it yourself")]
        rows += command_rows(verify_lines)
    return rows


def _signoff(signoff: SignOffView) -> Iterator[Content]:
    tone = Tone.GOOD if signoff.decision == "approve" else Tone.BAD
    role = signoff.statement.get("role")
    yield line(
        "  ",
        cell(shown(signoff.decision.upper(), f"bold {tone}"), 10),
        shown(signoff.principal, Tone.STRONG),
        own(f"  as {role}" if isinstance(role, str) and role.isalnum() else ""),
        own("  "),
        shown(signoff.time, Tone.DIM),
    )
    comment = signoff.statement.get("comment")
    if comment:
        yield from (line(" " * 12, part) for part in paragraph(comment))
    yield from _fact("key", fingerprint(signoff.key))
    for name in _DIGESTS:
        value = signoff.statement.get(name)
        if value:
            yield from _fact(name, str(value))
    head = signoff.statement.get("head")
    if isinstance(head, Mapping):
        yield from _fact("head", _head(head))


def _hand(hand: RollbackHand) -> Iterator[Content]:
    """Lay out one signature on a rollback, why it was given, and what came of it."""
    yield line(
        "  ",
        shown(hand.signoff.decision.upper(), f"bold {Tone.WAIT}"),
        "  ",
        shown(hand.signoff.principal, Tone.STRONG),
        own("  "),
        shown(hand.signoff.time, Tone.DIM),
    )
    yield line(" " * 12, shown(hand.fate, Tone.WAIT))
    yield from (line(" " * 12, part) for part in paragraph(hand.reason))
    yield from _fact("key", fingerprint(hand.signoff.key))
    yield from _fact("snapshot", hand.snapshot)


def _head(head: Mapping[str, JSON]) -> str:
    return f"{head.get('size')}  {head.get('root')}"


def _fact(name: str, value: str) -> Iterator[Content]:
    # A digest beside its name is too wide for half a terminal.
    yield line("    ", own(name, Tone.DIM))
    yield line("    ", shown(value))
