"""What only the engine and a model's tokenizer can tell of a request."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from governance.documents.request import LoadedRequest
from governance.domain.request import EditRequest
from governance.errors import RequestError
from governance.service.ports import Vocabulary
from governance.service.selecting import the_model
from governance.service.workspace import Workspace
from governance.text import safe


def check_loaded(
    workspace: Workspace, loaded: Sequence[LoadedRequest], path: Path
) -> None:
    """Check what only the engine and the model's tokenizer can tell.

    Args:
        workspace: The workspace.
        loaded: Requests of one file.
        path: That file, for messages.

    Raises:
        RequestError: A parameter, action or word the model or method does not have.
        NotFoundError: The model is not registered.
    """
    for item in loaded:
        model = the_model(workspace.state, item.request.model)
        try:
            vocabulary = workspace.parts.models.vocabulary(model)
            check_words(vocabulary, item.request, f"the model {model.name}")
            workspace.parts.solver.validate(item.request)
            _check_values(workspace, item)
        except RequestError as error:
            raise placed(error, item, path) from error


def placed(error: RequestError, item: LoadedRequest, path: Path) -> RequestError:
    """Return what is wrong with a request, with file, line and field.

    Args:
        error: What is wrong.
        item: The request.
        path: Its file.
    """
    found = item.places.located(error)
    if found.file is not None:
        return found
    return RequestError(
        error.message,
        error.hint,
        file=safe(path.name, 200),
        line=error.line,
        field=error.field,
    )


def _check_values(workspace: Workspace, loaded: LoadedRequest) -> None:
    values = loaded.request.values
    if values is not None:
        model = the_model(workspace.state, loaded.request.model)
        content = loaded.files[values.sha256]
        workspace.parts.statistics.check_values(model, loaded.request, content)


def check_words(
    vocabulary: Vocabulary,
    request: EditRequest,
    model: str,
    templates: Sequence[str] = (),
) -> None:
    """Refuse texts that a model's tokenizers cannot read as they are written.

    A word a tokenizer does not know, and the name of one of its own markers (such as
    ``<|endoftext|>`` or ``</s>``), become special tokens: what is edited then is the
    marker, in every prompt.

    Args:
        vocabulary: The model's tokenizers.
        request: The request.
        model: What to call the model in messages.
        templates: What concepts are said in besides what the request itself names.

    Raises:
        RequestError: A text has such a word, or more tokens than the model reads.
    """
    prompts = tuple(dict.fromkeys(_prompts(request)))
    if vocabulary.unknown_words(text for _, text in prompts):
        _refuse_unknown(vocabulary, prompts, model)
    said = (*prompts, *_said(request, templates))
    long = frozenset(vocabulary.too_long(text for _, text in said))
    for field, text in said if long else ():
        if text in long:
            raise RequestError(
                f"{field}: {safe(text, 60)!r} has more tokens than the model reads",
                "Shorten it.",
                field=field,
            )


def _refuse_unknown(
    vocabulary: Vocabulary, prompts: Sequence[tuple[str, str]], model: str
) -> None:
    for field, text in prompts:
        unknown = vocabulary.unknown_words([text])
        if unknown:
            raise RequestError(
                f"{field}: {model} has no word for "
                f"{safe(', '.join(unknown), 200)!r}, expected words of its vocabulary",
                "Use words the model's tokenizer knows, and none of its markers.",
                field=field,
            )


def _prompts(request: EditRequest) -> Iterator[tuple[str, str]]:
    """Yield every text that becomes a prompt, with the field it stands in."""
    checks = request.checks
    found = chain(
        _concept_prompts(request),
        _listed("spec.preserve", request.preserve),
        _listed("spec.parameters.contrast", _texts(request, "contrast")),
        _listed("spec.checks.efficacy", checks.efficacy),
        _listed("spec.checks.generality", checks.generality),
        _listed("spec.checks.specificity", [one.prompt for one in checks.specificity]),
    )
    return ((field, text) for field, text in found if text.strip())


def _listed(field: str, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    return ((f"{field}.{place}", text) for place, text in enumerate(texts))


def _concept_prompts(request: EditRequest) -> Iterator[tuple[str, str]]:
    own = list(_listed("spec.parameters.templates", _texts(request, "templates")))
    for index, concept in enumerate(request.concepts):
        field = f"spec.concepts.{index}"
        yield f"{field}.source", concept.source
        yield f"{field}.destination", concept.destination or ""
        yield f"{field}.prompt", concept.prompt or ""
        for place, attribute in enumerate(request.attributes):
            filled = attribute.prompt.replace("{}", concept.source)
            yield f"spec.attributes.{place}.prompt", filled
        phrase = concept.source if concept.prompt is None else concept.prompt
        for name, template in own:
            yield name, template.replace("{}", phrase)


def _said(request: EditRequest, templates: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield every edited phrase in templates that the request does not name."""
    for index, concept in enumerate(request.concepts):
        shown = "source" if concept.prompt is None else "prompt"
        phrase = concept.source if concept.prompt is None else concept.prompt
        for template in templates:
            yield f"spec.concepts.{index}.{shown}", template.replace("{}", phrase)


def _texts(request: EditRequest, name: str) -> tuple[str, ...]:
    value = request.parameters.get(name)
    given = value if isinstance(value, list | tuple) else ()
    return tuple(item for item in given if isinstance(item, str))
