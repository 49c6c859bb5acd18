"""A page as a browser's parser sees it."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass(frozen=True)
class Element:
    """A start tag, with the names of the elements it lies in."""

    name: str
    attributes: dict[str, str | None]
    inside: tuple[str, ...]


@dataclass
class Page(HTMLParser):
    """Start tags, text, comments and mistakes of a page."""

    source: str
    elements: list[Element] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[str] = []
        self.feed(self.source)
        self.close()
        self.odd += [f"never closed: {name}" for name in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if len(dict(attrs)) != len(attrs):
            self.odd.append(f"an attribute twice in {tag}")
        self.elements.append(Element(tag, dict(attrs), tuple(self._open)))
        if tag not in {"br", "hr", "img", "meta"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.odd.append(f"closed out of turn: {tag}")

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)
        if self._open and self._open[-1] == "h2":
            self.headings.append(data)

    def handle_comment(self, data: str) -> None:
        self.odd.append(f"comment {data}")

    def handle_pi(self, data: str) -> None:
        self.odd.append(f"instruction {data}")

    def unknown_decl(self, data: str) -> None:
        self.odd.append(f"declaration {data}")

    @property
    def text(self) -> str:
        """All text, style included."""
        return "".join(self.pieces)

    def named(self, *names: str) -> list[Element]:
        """Return the elements of these names, in order."""
        return [element for element in self.elements if element.name in names]
