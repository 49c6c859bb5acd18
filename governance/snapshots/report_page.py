"""The frame of every report: head, contents, numbered sections, foot."""

from collections.abc import Sequence

import governance
from governance.snapshots.html import Html, join, paragraph, tag, words
from governance.snapshots.report_style import STYLE, content_policy

CHECKED = (
    "What counts are the signed documents beside it; check them with governance "
    "snapshot verify, or with ssh-keygen, sha256sum and openssl."
)


def page(
    *,
    kicker: str,
    title: str,
    lead: Sequence[Html],
    notice: str,
    sections: Sequence[tuple[str, Html]],
    version: str = governance.__version__,
    checked: str = CHECKED,
) -> bytes:
    """Return a page that loads nothing and runs nothing.

    Args:
        kicker: What kind of document it is.
        title: What it is about.
        lead: What stands before the contents.
        notice: A warning above everything; none where empty.
        sections: Heading and content of each.
        version: Program version that writes it.
        checked: What counts beside the page, and how it is checked.
    """
    warning = [paragraph(tag("strong", words(notice, 2000)), class_="notice")]
    header = tag(
        "header",
        paragraph(words(kicker), class_="kicker"),
        tag("h1", words(title, 300)),
        *(warning if notice else ()),
        *lead,
    )
    main = tag(
        "main",
        *(_section(at, *section) for at, section in enumerate(sections, 1)),
    )
    body = tag("body", header, _contents(sections), main, _foot(version, checked))
    document = tag("html", _head(title), body, lang="en")
    return f"<!doctype html>\n{document}\n".encode()


def _head(title: str) -> Html:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag(
            "meta",
            http_equiv="Content-Security-Policy",
            content=content_policy(),
        ),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", words(title, 300)),
        # Ours, a constant without markup: escaping it would change its digest.
        tag("style", Html(STYLE)),
    )


def _contents(sections: Sequence[tuple[str, Html]]) -> Html:
    items = [
        tag("li", tag("a", words(name), href=f"#part-{at}"))
        for at, (name, _) in enumerate(sections, 1)
    ]
    return tag("nav", tag("ol", *items), aria_label="Contents")


def _section(at: int, name: str, content: Html) -> Html:
    heading = tag("h2", words(f"{at}. {name}"), id=f"part-{at}")
    return tag("section", heading, content, aria_labelledby=f"part-{at}")


def _foot(version: str, checked: str) -> Html:
    said = (
        f"Written by governance {version}. This page holds no script and "
        f"loads nothing. {checked}"
    )
    return tag("footer", join((paragraph(words(said), class_="small"),)))
