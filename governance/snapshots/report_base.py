"""The base model and its files, as a report states them."""

from collections.abc import Sequence
from dataclasses import dataclass

from governance.pipeline.folder import FileRecord
from governance.snapshots.html import Html, facts, join, mono, table, tag, words

_MOST = 400


@dataclass(frozen=True, slots=True)
class BaseFacts:
    """What a report says of a base model.

    Args:
        name: Its registered name.
        source: Repository id and revision, where it came from a hub.
        family: Its architecture.
        digest: Its digest.
        licence: What its own card says of its licence, where it does.
        files: What was registered.
    """

    name: str
    source: str | None
    family: str
    digest: str
    licence: str | None
    files: Sequence[FileRecord]


def base_section(base: BaseFacts) -> Html:
    """Return what a report says of the base model.

    Args:
        base: The base model.
    """
    repository, _, revision = (base.source or "").partition("@")
    licence = (
        f"{base.licence}, as its own card says; nobody checked"
        if base.licence
        else "not stated in the base folder"
    )
    return join(
        (
            facts(
                (
                    ("Registered as", words(base.name, 120)),
                    ("Repository", words(repository or "none: a local folder")),
                    ("Revision", words(revision or "none")),
                    ("Architecture", words(base.family)),
                    ("Model digest", mono(base.digest)),
                    ("Licence", words(licence)),
                )
            ),
            files_table("Files of the base model as registered", base.files),
        )
    )


def files_table(caption: str, files: Sequence[FileRecord]) -> Html:
    """Return paths, sizes and digests.

    Args:
        caption: What they are.
        files: The files.
    """
    rows = [
        [
            mono(item.path),
            tag("span", words(f"{item.size:,}"), class_="number"),
            mono(item.sha256),
        ]
        for item in files[:_MOST]
    ]
    more = f"; {len(files) - _MOST} more in the manifest" if len(files) > _MOST else ""
    return table(words(caption + more), ("Path", "Bytes", "SHA-256"), rows)
