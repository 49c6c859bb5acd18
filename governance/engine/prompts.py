"""Concepts said in words: templates, and where the concept ends up."""

from dataclasses import dataclass

from governance.domain import templates
from governance.engine.protocols import Encoder, Tokens
from governance.engine.readings import readings_of
from governance.errors import RequestError


@dataclass(frozen=True)
class Phrase:
    """A prompt and where its subject stands in it.

    Args:
        text: The whole prompt.
        start: First character of the subject.
        end: One past its last character.
    """

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Template:
    """Something a concept is said in.

    Args:
        before: Text before the concept.
        after: Text after it.
        lower: Whether the concept's first letter is lower-cased.
    """

    before: str
    after: str
    lower: bool = False

    @classmethod
    def parse(cls, text: str, *, lower: bool = False) -> "Template":
        """Read a text that holds ``{}`` once."""
        before, _, after = text.partition("{}")
        return cls(before, after, lower)

    def say(self, subject: str) -> Phrase:
        """Put a subject into the template, as plain text.

        Args:
            subject: Any text; braces in it mean nothing.
        """
        said = subject[:1].lower() + subject[1:] if self.lower else subject
        text = f"{self.before}{said}{self.after}"
        if not subject.strip():
            text = text.strip()
        return Phrase(text, len(self.before), len(self.before) + len(said))


BARE = (Template("", ""),)
PHOTO = tuple(Template.parse(text, lower=True) for text in templates.PHOTO)
ART = tuple(Template.parse(text) for text in templates.ART)
OBJECT = tuple(Template.parse(text) for text in templates.OBJECT)


def last_token(phrase: Phrase, tokens: Tokens) -> int:
    """Find the last token of a phrase's subject by the tokenizer's offsets.

    Args:
        phrase: The prompt.
        tokens: The same prompt as the model reads it.

    Returns:
        The token's index. An empty subject has none: then the last token before
        its place, which for a bare empty prompt is the beginning token, 0.

    Raises:
        RequestError: The subject has characters, but no token of its own.
    """
    own = [
        index
        for index, span in enumerate(tokens.spans)
        if span is not None and span[0] < phrase.end and span[1] > phrase.start
    ]
    if own:
        return own[-1]
    if phrase.text[phrase.start : phrase.end].strip():
        shown = ascii(phrase.text[phrase.start : phrase.end])[:60]
        raise RequestError(
            f"the model reads no token in {shown}; expected at least one",
            "Use words the model knows.",
        )
    before = [
        index
        for index, span in enumerate(tokens.spans)
        if span is not None and span[1] <= phrase.start
    ]
    return before[-1] if before else 0


def spoken(phrase: Phrase, index: int, encoder: Encoder) -> str:
    """Name one token of a phrase, as the first tokenizer reads it, for a report."""
    spans = readings_of(phrase.text, encoder)[0].tokens.spans
    span = spans[index]
    if span is None:
        # T5 has no beginning token: its empty prompt is an end token alone.
        return "end of text" if index == len(spans) - 1 else "beginning of text"
    return phrase.text[span[0] : span[1]]
