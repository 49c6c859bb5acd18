"""What becomes of candidates that gave their tensors back."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from governance.domain.event import RecordedEvent
from governance.domain.persistent import grown
from governance.domain.releasing import TensorsReleased
from governance.domain.state import Candidate
from governance.errors import IntegrityError

Candidates = Mapping[str, Candidate]


def fold_released(
    candidates: Candidates,
    live: Iterable[str],
    event: TensorsReleased,
    entry: RecordedEvent,
) -> Candidates:
    """Remember which candidates gave their tensors back.

    Args:
        candidates: Every candidate.
        live: Digest of what is live on each model.
        event: The event.
        entry: Its entry.

    Raises:
        IntegrityError: One of them is no candidate, or is live.
    """
    held = set(live)
    for digest in event.candidates:
        if digest not in candidates or digest in held:
            raise IntegrityError(
                f"entry {entry.sequence}: {digest[:12]} gave its tensors back, but is "
                f"{'live' if digest in held else 'no candidate'}",
                "Run `governance ledger verify`.",
            )
    changed = {
        digest: replace(candidates[digest], released=entry.sequence)
        for digest in event.candidates
    }
    return grown(candidates, changed)


def solved_again(candidates: Candidates, digest: str) -> Candidates:
    """Forget that a snapshot gave its tensors back: they were stored anew."""
    known = candidates.get(digest)
    if known is None or known.released is None:
        return candidates
    return grown(candidates, {digest: replace(known, released=None)})
