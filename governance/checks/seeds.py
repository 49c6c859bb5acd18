"""Seeds nobody chooses: they follow from what is measured and by which suite."""

import hashlib


def seeds_for(candidate: str, suite: str, prompt: str, count: int) -> tuple[int, ...]:
    """Derive the seeds of a prompt.

    Args:
        candidate: Snapshot digest under test.
        suite: Suite digest.
        prompt: The prompt.
        count: How many.

    Returns:
        Seeds 0..2**31-1; the same on base, live and candidate. A proposer cannot
        pick them: another candidate has others.
    """
    return tuple(
        _number(f"{candidate}\n{suite}\n{prompt}\n{index}") for index in range(count)
    )


def search_seeds(request: str, prompt: str, count: int) -> tuple[int, ...]:
    """Derive the seeds a debias search looks at, which evidence never uses.

    Args:
        request: Request digest.
        prompt: The prompt.
        count: How many.

    Returns:
        Seeds 0..2**31-1, the same in every round.
    """
    return tuple(
        _number(f"search\n{request}\n{prompt}\n{index}") for index in range(count)
    )


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) >> 1
