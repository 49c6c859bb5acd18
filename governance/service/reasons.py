"""Reasons and comments: what people say when they act."""

from governance.errors import UsageError

LONGEST_REASON = 2000


def checked_reason(reason: str, action: str) -> str:
    """Return a reason or comment that says something and is not endless.

    Raises:
        UsageError: It is empty or over 2,000 characters.
    """
    found = reason.strip()
    if not found or len(found) > LONGEST_REASON:
        raise UsageError(
            f"{action}: expected a reason of 1 to {LONGEST_REASON} characters, found "
            f"{len(found)}",
            "Say why in a sentence.",
        )
    return found
