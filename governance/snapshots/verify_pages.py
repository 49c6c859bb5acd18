"""Do the pages that people read say what the record says, and nothing else."""

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path

from governance.errors import GovernanceError
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.manifest import Manifest
from governance.snapshots.names import CARD, PAGES_FORM, REPORT
from governance.snapshots.pages import card_of, report_of
from governance.snapshots.reading import DOCUMENT_LIMIT, read_limited
from governance.snapshots.record import EVIDENCE
from governance.snapshots.report_pictures import SIDE
from governance.snapshots.reread import reread

# What a page made of documents that were verified can still lack.
_LACKING = (
    GovernanceError,
    LookupError,
    TypeError,
    AttributeError,
    ValueError,
    RecursionError,
)
_REDUCED = re.compile(rb"data:image/jpeg;base64,([A-Za-z0-9+/=]*)")
# The same picture reduced by another version of the same libraries.
_BLOCKS, _CLOSE = 16, 16


def verify_pages(
    folder: Path, manifest: Manifest
) -> tuple[tuple[ExportFinding, ...], tuple[str, ...]]:
    """Write card and report again from the rest of an export, and compare.

    Args:
        folder: An export in which everything else was verified.
        manifest: What it says of itself.

    Returns:
        What is not as the record says, and what could not be compared.
    """
    if manifest.pages != PAGES_FORM:
        note = (
            f"{CARD} and {REPORT} were written by another version of the program (form "
            f"{manifest.pages}, this one writes {PAGES_FORM}) and are not compared "
            "with the record: whoever signed the folder vouches for them alone"
        )
        return (), (note,)
    found = []
    for path, again in ((CARD, card_again), (REPORT, report_again)):
        try:
            wanted = again(folder)
            there = read_limited(folder / path, path, DOCUMENT_LIMIT)
            odd = _difference(wanted, there)
        except _LACKING as error:
            odd = f"it cannot be made again: {error}"
        if odd is not None:
            found.append(finding(path, "proof", odd))
    return tuple(found), ()


def card_again(folder: Path) -> bytes:
    """Write ``README.md`` again from the rest of an export."""
    return card_of(reread(folder), _reader(folder))


def report_again(folder: Path) -> bytes:
    """Write ``report.html`` again from the rest of an export."""
    return report_of(reread(folder), _reader(folder))


def _reader(folder: Path) -> Callable[[str], bytes]:
    def read(digest: str) -> bytes:
        stem = f"{EVIDENCE}/{digest}"
        ending = "json" if (folder / f"{stem}.json").is_file() else "png"
        return read_limited(folder / f"{stem}.{ending}", stem, DOCUMENT_LIMIT)

    return read


def _difference(wanted: bytes, found: bytes) -> str | None:
    """Say where a page differs from the one made again, but for how pictures shrank."""
    ours, theirs = _REDUCED.split(wanted), _REDUCED.split(found)
    for number, (one, other) in enumerate(zip(ours, theirs, strict=False)):
        if number % 2:
            if one != other and not _alike(one, other):
                return f"picture {number // 2 + 1} is not the one in the evidence"
        elif one != other:
            return _where(b"".join(ours[:number]), one, other)
    if len(ours) != len(theirs):
        return "it holds another number of pictures than the evidence gives"
    return None


def _where(before: bytes, wanted: bytes, found: bytes) -> str:
    length = min(len(wanted), len(found))
    at = next((n for n in range(length) if wanted[n] != found[n]), length)
    line = before.count(b"\n") + wanted[:at].count(b"\n") + 1
    return f"line {line}: it says otherwise than the record"


def _alike(wanted: bytes, found: bytes) -> bool:
    """Say whether two small pictures show the same, block by block."""
    from PIL import Image, ImageChops, UnidentifiedImageError

    try:
        pictures, beside = [], []
        for data in (wanted, found):
            raw = io.BytesIO(base64.b64decode(data, validate=True))
            with Image.open(raw, formats=["JPEG"]) as image:
                if max(image.size) > SIDE or image.mode != "RGB":
                    return False
                image.load()
                pictures.append(image.copy())
                beside.append(getattr(image, "applist", None))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        # What Pillow says of a damaged file; it is then not the same picture.
        return False
    # A browser turns by Exif and paints by colour profiles what is compared here plain.
    if beside[0] != beside[1]:
        return False
    first, second = pictures
    if first.size != second.size:
        return False
    apart = ImageChops.difference(first, second)
    blocks = apart.resize((_BLOCKS, _BLOCKS), Image.Resampling.BOX)
    return max(blocks.tobytes()) <= _CLOSE
