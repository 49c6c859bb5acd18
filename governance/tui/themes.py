"""Two themes from three hues each."""

from textual.theme import Theme


def _theme(name: str, colours: dict[str, str], *, dark: bool) -> Theme:
    return Theme(
        name=name,
        primary=colours["good"],
        secondary=colours["good"],
        accent=colours["good"],
        success=colours["good"],
        warning=colours["wait"],
        error=colours["bad"],
        foreground=colours["text"],
        background=colours["ground"],
        surface=colours["ground"],
        panel=colours["panel"],
        boost=colours["panel"],
        dark=dark,
        text_alpha=1.0,
        variables={
            "good": colours["good"],
            "wait": colours["wait"],
            "bad": colours["bad"],
            "dim": colours["dim"],
            "rule": colours["rule"],
            "chosen": colours["chosen"],
            "chosen-still": colours["panel"],
            "border": colours["rule"],
            "block-cursor-background": colours["chosen"],
            "block-cursor-foreground": colours["text"],
            "input-cursor-background": colours["text"],
            "scrollbar": colours["rule"],
            "scrollbar-background": colours["ground"],
            "scrollbar-corner-color": colours["ground"],
            "scrollbar-hover": colours["dim"],
            "scrollbar-active": colours["dim"],
            "scrollbar-background-hover": colours["ground"],
            "scrollbar-background-active": colours["ground"],
        },
    )


DARK = _theme(
    "governance-dark",
    {
        "good": "#56B4E9",
        "wait": "#E69F00",
        "bad": "#FF6E3A",
        "text": "#D8DEE6",
        "dim": "#8A94A2",
        "rule": "#2B333F",
        "ground": "#0E1217",
        "panel": "#171D26",
        "chosen": "#22303F",
    },
    dark=True,
)
LIGHT = _theme(
    "governance-light",
    {
        "good": "#0072B2",
        "wait": "#8A5A00",
        "bad": "#B03A00",
        "text": "#1B2026",
        "dim": "#5B6570",
        "rule": "#D3D8DE",
        "ground": "#FBFBF8",
        "panel": "#F0F1EE",
        "chosen": "#DCE9F3",
    },
    dark=False,
)
