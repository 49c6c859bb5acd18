"""Tokenizers of a pipeline: places of words, unknown words, over-long prompts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from transformers import CLIPTokenizer, T5Tokenizer

from governance.errors import PipelineError, RequestError
from governance.pipeline.family import read_object
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.markers import Tokenizer, special_ids, word_at
from governance.pipeline.streams import prompt_layout

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


@dataclass(frozen=True)
class Reading:
    """One text as the tokenizer of one stream reads it, and the rows it becomes.

    Args:
        tokens: Its tokens.
        first: Row of the prompt that the first token becomes.
        length: Rows it becomes, padding included.
    """

    tokens: Tokens
    first: int
    length: int


class Vocabulary:
    """The tokenizers of one pipeline, without any weights.

    Args:
        folder: The opened folder.

    Raises:
        PipelineError: A tokenizer cannot be read or gives no offsets.
    """

    def __init__(self, folder: PipelineFolder) -> None:
        self._seen: dict[str, Mapping[str, Tokens]] = {}
        clip = folder.text_encoders
        self._names = tuple(name for _, name in clip)
        self._tokenizers = {
            name: _load(folder, name, CLIPTokenizer) for _, name in clip
        }
        positions = [_positions(folder, component) for component, _ in clip]
        limits = [one.model_max_length for one in self._tokenizers.values()]
        self.length = int(min(*positions, *limits))
        """Tokens the CLIP encoders read, the beginning and end tokens included."""
        self.layout = prompt_layout(folder, self.length)
        """Which rows of a prompt come from which tokenizer."""
        self._limits = dict.fromkeys(self._tokenizers, self.length)
        if folder.t5 is not None:
            name = folder.t5[1]
            self._tokenizers[name] = _load(folder, name, T5Tokenizer)
            self._limits[name] = self.layout.streams[-1].length

    def tokens(self, text: str) -> Tokens:
        """Split a text into tokens, as the model's first rows do.

        Args:
            text: The prompt; may be empty.

        Returns:
            Its tokens, by the tokenizer of the model's first stream.

        Raises:
            RequestError: It has more tokens than the model can read.
            PipelineError: Two tokenizers whose rows stand side by side split it
                differently.
        """
        return self.readings(text)[0].tokens

    def readings(self, text: str) -> tuple[Reading, ...]:
        """Split a text into tokens once for each of the model's streams.

        Args:
            text: The prompt; may be empty.

        Returns:
            One reading per stream, in the order of their rows.

        Raises:
            RequestError: It has more tokens than the model can read.
            PipelineError: Two tokenizers whose rows stand side by side split it
                differently.
        """
        found = self.read(text)
        return tuple(
            Reading(found[one.encoders[0][1]], one.first, one.length)
            for one in self.layout.streams
        )

    def read(self, text: str) -> Mapping[str, Tokens]:
        """Split a text into tokens with every tokenizer of the model.

        Args:
            text: The prompt; may be empty.

        Returns:
            Tokens by tokenizer component, such as ``tokenizer_2``.

        Raises:
            RequestError: It has more tokens than the model can read.
            PipelineError: Two tokenizers whose rows stand side by side split it
                differently.
        """
        if text not in self._seen:
            self._seen[text] = self._read(text)
        return self._seen[text]

    def _read(self, text: str) -> Mapping[str, Tokens]:
        found = {name: _encode(one, text) for name, one in self._tokenizers.items()}
        for name, tokens in found.items():
            if len(tokens.ids) > self._limits[name]:
                raise RequestError(
                    f"the prompt {text[:_SHOWN]!r} has {len(tokens.ids)} tokens; "
                    f"expected at most {self._limits[name]}",
                    "Shorten it: a truncated prompt would edit something else.",
                )
        for stream in self.layout.streams:
            first, *others = (found[name].spans for _, name in stream.encoders)
            if any(other != first for other in others):
                raise PipelineError(
                    f"the model's two tokenizers read {text[:_SHOWN]!r} differently"
                )
        return found

    def ids(self, texts: Sequence[str], tokenizer: str) -> list[list[int]]:
        """Split many texts into token ids; none of them is remembered.

        Args:
            texts: Texts of any length.
            tokenizer: Component, such as ``tokenizer_2``.

        Returns:
            The ids of each text, the beginning and end tokens included.
        """
        if not texts:
            return []
        found = self._tokenizers[tokenizer](list(texts), verbose=False)["input_ids"]
        return [[int(i) for i in row] for row in found]

    def limit(self, tokenizer: str) -> int:
        """Return how many tokens the encoder of a tokenizer can read.

        Args:
            tokenizer: Component, such as ``tokenizer_2``.
        """
        return self._limits[tokenizer]

    def pad(self, tokenizer: str) -> int:
        """Return the token id that prompts are padded with.

        Args:
            tokenizer: Component, such as ``tokenizer_2``.
        """
        return int(self._tokenizers[tokenizer].pad_token_id)

    def unknown_words(self, texts: Iterable[str]) -> tuple[str, ...]:
        """List what the model can only spell with unknown or special tokens.

        Args:
            texts: Prompts or words.

        Returns:
            The pieces of the texts, each once, in order of appearance.
        """
        every = list(texts)
        found: dict[str, None] = {}
        strange = [self.strange(every, name) for name in self._tokenizers]
        for place in sorted(set().union(*strange)):
            for tokenizer in self._tokenizers.values():
                found.update(dict.fromkeys(_unknown(tokenizer, every[place])))
        return tuple(found)

    def strange(self, texts: Sequence[str], tokenizer: str) -> frozenset[int]:
        """Find the texts that a tokenizer reads with unknown or special tokens.

        Args:
            texts: Texts of any length.
            tokenizer: Component, such as ``tokenizer_2``.

        Returns:
            Their places; the beginning and end token of every text do not count.
        """
        one = self._tokenizers[tokenizer]
        first = 0 if isinstance(one, T5Tokenizer) else 1  # it marks the end alone
        special = special_ids(one)
        rows = self.ids(texts, tokenizer)
        return frozenset(
            place
            for place, row in enumerate(rows)
            if not special.isdisjoint(row[first:-1])
        )

    def too_long(self, texts: Iterable[str]) -> tuple[str, ...]:
        """List the texts that have more tokens than the model can read."""
        every = list(texts)
        found: set[int] = set()
        for name, most in self._limits.items():
            rows = self.ids(every, name)
            found.update(place for place, row in enumerate(rows) if len(row) > most)
        return tuple(every[place] for place in sorted(found))


def open_vocabulary(folder: PipelineFolder) -> Vocabulary:
    """Open the tokenizers of a pipeline, and nothing else of it.

    Args:
        folder: The opened folder.

    Raises:
        PipelineError: A tokenizer cannot be read or gives no offsets.
    """
    return Vocabulary(folder)


def _load(
    folder: PipelineFolder, component: str, kind: type[CLIPTokenizer | T5Tokenizer]
) -> Tokenizer:
    family = "T5" if kind is T5Tokenizer else "CLIP"
    try:
        tokenizer: Tokenizer = kind.from_pretrained(
            str(folder.root / component), local_files_only=True
        )
    except (OSError, ValueError, TypeError, KeyError, ImportError) as error:
        raise PipelineError(
            f"component {component} cannot be read as a {family} tokenizer",
            "Fetch the complete model and try again; it needs tokenizer.json.",
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


def _encode(tokenizer: Tokenizer, text: str) -> Tokens:
    found = tokenizer(text, return_offsets_mapping=True, verbose=False)
    ids = [int(i) for i in found["input_ids"]]
    offsets = [_trimmed(text, int(a), int(b)) for a, b in found["offset_mapping"]]
    if isinstance(tokenizer, T5Tokenizer):  # it marks the end alone
        return Tokens(tuple(ids), (*offsets[:-1], None))
    return Tokens(tuple(ids), (None, *offsets[1:-1], None))


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    # T5's word-initial tokens may cover the space before the word.
    while start < end and text[start].isspace():
        start += 1
    return start, end


def _unknown(tokenizer: Tokenizer, text: str) -> Iterable[str]:
    found, special = _encode(tokenizer, text), special_ids(tokenizer)
    for token, span in zip(found.ids, found.spans, strict=True):
        if span is not None and token in special:
            yield word_at(text, span)
