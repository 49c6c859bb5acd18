"""What the figures of a card or a report mean, in words for whoever never met them."""

INTERVALS = (
    "An interval is the Wilson score interval of a share at 95 % confidence: of n "
    "pictures, that is how far the share may be from what ever more pictures of the "
    "same kind would show. It says nothing of whether the judge is right. Figures "
    "without n are computed from the weights, not counted, and have no interval."
)
METRICS = {
    "efficacy": (
        "efficacy",
        (
            "of the pictures drawn for the edited concepts' own prompts, the share that shows "
            "what the edit wants: the concept gone, or its replacement there"
        ),
    ),
    "generality": (
        "generality",
        "the same for prompts that say those concepts in other words",
    ),
    "specificity": (
        "specificity",
        (
            "of the pictures drawn for prompts that the edit is not about, the share that still "
            "shows what it should"
        ),
    ),
    "drift": (
        "drift of captions",
        (
            "how far the outputs of the edited matrices move, as a share of their size, on "
            "average over the preserved prompts and the captions nearest to the edit; the check "
            "measures it"
        ),
    ),
    "interference": (
        "interference",
        "the largest residual of the other edits in the same snapshot",
    ),
    "residual": (
        "residual",
        "what is left of a concept's distance to its destination; 0 is none",
    ),
    "condition": (
        "condition",
        "the condition number of the system that was solved; large ones lose digits",
    ),
}
PRESERVED = "Drift of preserved prompts"
"""The other drift: of the solve's certificate, on the edit's own preserve set."""
_PRESERVED = (
    f"{PRESERVED} (in the table of how exactly each concept was solved): how much all "
    "edits together change the outputs for what that edit preserves, as a share of "
    "their size; the solve computes it, and it is not the drift of captions"
)


def shown(metric: str) -> str:
    """Return how pages call a metric.

    Args:
        metric: Its name in the evidence.
    """
    found = METRICS.get(metric)
    return metric if found is None else found[0]


def glossary() -> tuple[str, ...]:
    """Return what every figure means, a sentence each."""
    rows = [f"{name}: {meaning}." for name, meaning in METRICS.values()]
    return (
        INTERVALS,
        *rows,
        "ratio: of the pictures drawn for a balanced concept, the share showing an attribute.",
        f"{_PRESERVED}.",
    )
