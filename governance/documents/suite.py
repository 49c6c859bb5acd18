"""Check suites: what is measured before anyone signs, as a file with a digest."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field as Limit
from pydantic import field_validator

from governance.canonical import JSON, canonical_bytes, sha256_hex
from governance.documents.fields import Field
from governance.documents.models import Strict, model_of
from governance.documents.nodes import node_of
from governance.documents.yaml import read_documents
from governance.domain.request import LabelledPrompt
from governance.text import safe, words_match

ImageMetric = Literal["efficacy", "generality", "specificity", "ratio"]
Prompt = Annotated[str, Limit(min_length=1, max_length=1000)]
Template = Annotated[str, Limit(min_length=2, max_length=1000, pattern=r"\{\}")]
Count = Annotated[int, Limit(ge=1, le=10_000)]
_ARTICLES = ("a ", "an ", "the ")


class Sampler(Strict):
    """How images are drawn."""

    steps: Annotated[int, Limit(ge=1, le=1000)]
    guidance: Annotated[float, Limit(ge=0, le=100)]


class Images(Strict):
    """Images wanted per metric, spread evenly over its prompts."""

    efficacy: Count
    generality: Count
    specificity: Count
    ratio: Count


class Weights(Strict):
    """What tier 0 reads: no image is drawn for it."""

    templates: tuple[Template, ...] = ()
    neighbours: Count = 50
    captions: Annotated[tuple[Prompt, ...], Limit(min_length=1, max_length=100_000)]


class Holdout(Strict):
    """A prompt no edit names, and what a judge should still see in it."""

    prompt: Prompt
    label: Annotated[str, Limit(min_length=1, max_length=120)] | None = None


class Judge(Strict):
    """When a judge may speak."""

    floor: Annotated[float, Limit(gt=0, le=1)]
    images: Count


class SuiteSpec(Strict):
    """A suite's content."""

    tiers: Annotated[tuple[Literal["weights", "images"], ...], Limit(min_length=1)]
    sampler: Sampler
    images: Images
    weights: Weights
    templates: tuple[Template, ...] = ()
    holdout: Annotated[tuple[Holdout, ...], Limit(max_length=10_000)]
    judge: Judge

    @field_validator("tiers")
    @classmethod
    def _tiers_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("expected each tier once")
        return value


class Metadata(Strict):
    """A document's name and version."""

    name: Annotated[str, Limit(min_length=1, max_length=120)]
    version: Annotated[int, Limit(ge=1)]
    description: Annotated[str, Limit(max_length=2000)] = ""


class _SuiteDocument(Strict):
    apiVersion: Literal["governance/v1"]  # noqa: N815 - the file's own word
    kind: Literal["CheckSuite"]
    metadata: Metadata
    spec: SuiteSpec


@dataclass(frozen=True, slots=True)
class Suite:
    """A check suite.

    Args:
        metadata: Name and version.
        spec: What is measured.
        canonical: Canonical bytes of the document as written.
        document: The document as written.
    """

    metadata: Metadata
    spec: SuiteSpec
    canonical: bytes
    document: Mapping[str, JSON]

    @property
    def name(self) -> str:
        """Name, such as ``quick``."""
        return self.metadata.name

    @property
    def version(self) -> int:
        """Version of the file."""
        return self.metadata.version

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical bytes."""
        return sha256_hex(self.canonical)

    @property
    def tiers(self) -> tuple[str, ...]:
        """Tiers that run: ``weights`` (no image) and ``images``."""
        return self.spec.tiers

    @property
    def sampler(self) -> Sampler:
        """How images are drawn."""
        return self.spec.sampler

    @property
    def images(self) -> Images:
        """Images wanted per metric."""
        return self.spec.images

    @property
    def weights(self) -> Weights:
        """What tier 0 reads."""
        return self.spec.weights

    @property
    def templates(self) -> tuple[str, ...]:
        """Templates that make generality prompts from a source."""
        return self.spec.templates

    @property
    def judge(self) -> Judge:
        """When a judge may speak."""
        return self.spec.judge

    @property
    def holdout(self) -> tuple[LabelledPrompt, ...]:
        """Specificity prompts outside every edit."""
        return tuple(LabelledPrompt(h.prompt, h.label) for h in self.spec.holdout)

    def holdout_for(self, sources: Iterable[str]) -> tuple[LabelledPrompt, ...]:
        """Leave out what is edited: it is meant to change.

        Args:
            sources: Source prompts of the new and of the live edits.

        Returns:
            The holdout prompts that mention none of them.
        """
        edited = [without_article(source) for source in sources]
        return tuple(
            item
            for item in self.holdout
            if not any(words_match(source, item.prompt) for source in edited)
        )

    def seeds_for(self, metric: ImageMetric, prompts: int) -> int:
        """Say how many seeds each prompt gets, so that the metric has its images.

        Args:
            metric: The metric.
            prompts: Number of prompts that feed it.

        Returns:
            Seeds per prompt; 0 where there is no prompt.
        """
        wanted: int = getattr(self.images, metric)
        return math.ceil(wanted / prompts) if prompts else 0


def load_suite(path: Path) -> Suite:
    """Load a suite file strictly.

    Args:
        path: YAML file with one document.

    Returns:
        The suite.

    Raises:
        NotFoundError: There is no such file.
        RequestError: Something in it is wrong; says what and where.
    """
    return _suite(single_document(path))


def suite_from_document(document: Mapping[str, JSON]) -> Suite:
    """Rebuild a suite from its stored document."""
    return _suite(Field(node_of(document)))


def single_document(path: Path) -> Field:
    """Read a YAML file that must hold exactly one document."""
    nodes = read_documents(path)
    root = Field(nodes[0], file=safe(path.name, 200))
    if len(nodes) > 1:
        Field(nodes[1], file=root.file).refuse(
            f"expected one document, found {len(nodes)}", "Use one file for each."
        )
    return root


def _suite(root: Field) -> Suite:
    parsed = model_of(_SuiteDocument, root)
    document = {key: field.json() for key, field in root.entries().items()}
    return Suite(parsed.metadata, parsed.spec, canonical_bytes(document), document)


def without_article(text: str) -> str:
    """Drop a leading article: "a rose" is also meant by "the rose at night"."""
    lowered = text.strip()
    for article in _ARTICLES:
        if lowered.lower().startswith(article):
            return lowered[len(article) :]
    return lowered
