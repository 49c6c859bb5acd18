"""How much memory the rows of an edit take, told before any of them is encoded."""

from collections.abc import Sequence

from governance.engine.plan import EditPlan
from governance.engine.protocols import Encoder
from governance.errors import EngineError

LIMIT = 8 << 30
"""Bytes that the edit rows of all edits may take together."""
_COPIES = 4 * 8
"""Bytes per number: keys and targets in float64, and what is selected of them."""


def check_room(plans: Sequence[EditPlan], encoder: Encoder) -> None:
    """Refuse edits whose rows do not fit into memory.

    Preserve rows are read a few at a time and need no room; of edit rows, whole
    padded prompts take the most: 10,000 concepts of one row each take 0.3 GiB.

    Args:
        plans: What each edit asks for.
        encoder: Tells how long rows and prompts are.

    Raises:
        EngineError: They take more than the limit; both are named.
    """
    pairs = [p for one in plans for c in one.concepts for p in c.pairs]
    rows = sum(len(key.rows) for key, _ in pairs)
    every = {chosen for key, target in pairs for _, chosen in ((1.0, key), *target)}
    whole = len({chosen.text for chosen in every if not chosen.prefix})
    needed = encoder.width * (_COPIES * rows + 4 * encoder.length * whole)
    if needed > LIMIT:
        raise EngineError(
            f"the edits have {rows} rows to change in {whole} whole prompts, which "
            f"take {needed / (1 << 30):.1f} GiB of memory; expected at most "
            f"{LIMIT >> 30} GiB",
            "Use method uce, whose concepts take one row each, fewer templates, or "
            "fewer concepts at once.",
        )
