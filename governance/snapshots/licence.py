"""What a base model's own card says of its licence."""

import re
from pathlib import Path

_CARD = "README.md"
_LONGEST = 64 << 10
_FIELD = re.compile(
    r"^(license|license_name|license_link):[ \t]*[\"']?([^\s\"'#][^\r\n\"'#]{0,199})",
    re.MULTILINE,
)


def licence_of(root: Path) -> str | None:
    """Read the licence that a model's card names; nobody checks that it is right.

    Args:
        root: The model folder. Its card is no file the pipeline loads, and no digest
            of the record covers it.

    Returns:
        The words of its front matter, such as ``creativeml-openrail-m``, or ``None``
        where it has none, or cannot be read.
    """
    place = root / _CARD
    try:
        # Nothing but a regular file: a pipe would be waited for.
        if not place.is_file():
            return None
        with place.open("rb") as file:
            text = file.read(_LONGEST).decode("utf-8", "replace")
    except OSError:
        return None
    if not text.startswith("---"):
        return None
    front = text[3:].partition("\n---")[0]
    found = dict(_FIELD.findall(front))
    said = [found[name].strip() for name in sorted(found)]
    return ", ".join(said) or None
