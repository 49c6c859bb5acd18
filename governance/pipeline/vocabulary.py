"""Tokenizers of a pipeline: places of words, unknown words, over-long prompts."""

from collections.abc import Iterable
from dataclasses import dataclass

from transformers import CLIPTokenizer

from governance.errors import PipelineError, RequestError
from governance.pipeline.family import read_object
from governance.pipeline.folder import PipelineFolder

_SHOWN = 60


@dataclass(frozen=True)
class Tokens:
    """One text as the model reads it, without padding.

    Args:
        ids: Token ids, the beginning and end tokens included.
        spans: Characters each token covers in the text; None for the beginning
            and end tokens.
    """

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int] | None, ...]


class Vocabulary:
    """The tokenizers of one pipeline, without any weights.

    Args:
        folder: The opened folder.

    Raises:
        PipelineError: A tokenizer cannot be read or gives no offsets.
    """

    def __init__(self, folder: PipelineFolder) -> None:
        self._seen: dict[str, Tokens] = {}
        self._tokenizers = [_load(folder, name) for _, name in folder.text_encoders]
        positions = [
            _positions(folder, component) for component, _ in folder.text_encoders
        ]
        limits = [tokenizer.model_max_length for tokenizer in self._tokenizers]
        self.length = int(min(*positions, *limits))
        """Tokens a prompt is padded to, the beginning and end tokens included."""

    def tokens(self, text: str) -> Tokens:
        """Split a text into tokens and tell where each one stands.

        Args:
            text: The prompt; may be empty.

        Returns:
            Its tokens.

        Raises:
            RequestError: It has more tokens than the model can read.
            PipelineError: Two tokenizers of the model disagree on it.
        """
        if text not in self._seen:
            self._seen[text] = self._read(text)
        return self._seen[text]

    def _read(self, text: str) -> Tokens:
        first, *others = (_encode(tokenizer, text) for tokenizer in self._tokenizers)
        if len(first.ids) > self.length:
            raise RequestError(
                f"the prompt {text[:_SHOWN]!r} has {len(first.ids)} tokens; expected "
                f"at most {self.length}",
                "Shorten it: a truncated prompt would edit something else.",
            )
        if any(other.ids != first.ids for other in others):
            raise PipelineError(
                f"the model's two tokenizers read {text[:_SHOWN]!r} differently"
            )
        return first

    def pad(self, encoder: int) -> int:
        """Return the token id one text encoder is padded with.

        Args:
            encoder: Which of the model's text encoders, counted from 0.
        """
        return int(self._tokenizers[encoder].pad_token_id)

    def unknown_words(self, texts: Iterable[str]) -> tuple[str, ...]:
        """List what the model can only spell with unknown or special tokens.

        Args:
            texts: Prompts or words.

        Returns:
            The pieces of the texts, each once, in order of appearance.
        """
        found: dict[str, None] = {}
        for text in texts:
            for tokenizer in self._tokenizers:
                found.update(dict.fromkeys(_unknown(tokenizer, text)))
        return tuple(found)

    def too_long(self, texts: Iterable[str]) -> tuple[str, ...]:
        """List the texts that have more tokens than the model can read."""
        tokenizer = self._tokenizers[0]
        return tuple(
            text for text in texts if len(_encode(tokenizer, text).ids) > self.length
        )


def open_vocabulary(folder: PipelineFolder) -> Vocabulary:
    """Open the tokenizers of a pipeline, and nothing else of it.

    Args:
        folder: The opened folder.

    Raises:
        PipelineError: A tokenizer cannot be read or gives no offsets.
    """
    return Vocabulary(folder)


def _load(folder: PipelineFolder, component: str) -> CLIPTokenizer:
    try:
        tokenizer: CLIPTokenizer = CLIPTokenizer.from_pretrained(
            str(folder.root / component), local_files_only=True
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise PipelineError(
            f"component {component} cannot be read as a CLIP tokenizer",
            "Fetch the complete model and try again.",
        ) from error
    if not tokenizer.is_fast:
        raise PipelineError(
            f"component {component} has no form that tells where tokens stand"
        )
    return tokenizer


def _positions(folder: PipelineFolder, component: str) -> int:
    shown = f"{component}/config.json"
    config = read_object(folder.root / component / "config.json", shown)
    positions = config.get("max_position_embeddings", 77)
    if not isinstance(positions, int) or positions < 3:
        raise PipelineError(f"{shown} gives no usable max_position_embeddings")
    return positions


def _encode(tokenizer: CLIPTokenizer, text: str) -> Tokens:
    found = tokenizer(text, return_offsets_mapping=True, verbose=False)
    ids = [int(i) for i in found["input_ids"]]
    offsets = [(int(a), int(b)) for a, b in found["offset_mapping"]]
    inner = [None, *offsets[1:-1], None]
    return Tokens(tuple(ids), tuple(inner))


def _unknown(tokenizer: CLIPTokenizer, text: str) -> Iterable[str]:
    found = _encode(tokenizer, text)
    special = set(tokenizer.all_special_ids)
    for token, span in zip(found.ids[1:-1], found.spans[1:-1], strict=True):
        if span is not None and token in special:
            yield _word(text, span)


def _word(text: str, span: tuple[int, int]) -> str:
    start, end = span
    while start > 0 and not text[start - 1].isspace():
        start -= 1
    while end < len(text) and not text[end].isspace():
        end += 1
    return text[start:end]
