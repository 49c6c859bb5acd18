"""What only the engine and a model's tokenizer can tell of a request."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from governance.documents.request import LoadedRequest
from governance.domain.request import EditRequest
from governance.errors import RequestError
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
        try:
            _check_words(workspace, item.request)
            workspace.parts.solver.validate(item.request)
            _check_values(workspace, item)
        except RequestError as error:
            if error.file is not None:
                raise
            raise RequestError(
                error.message,
                error.hint,
                file=safe(path.name, 200),
                line=error.line,
                field=error.field,
            ) from error


def _check_values(workspace: Workspace, loaded: LoadedRequest) -> None:
    values = loaded.request.values
    if values is not None:
        model = the_model(workspace.state, loaded.request.model)
        content = loaded.files[values.sha256]
        workspace.parts.statistics.check_values(model, loaded.request, content)


def _check_words(workspace: Workspace, request: EditRequest) -> None:
    model = the_model(workspace.state, request.model)
    vocabulary = workspace.parts.models.vocabulary(model)
    prompts = tuple(dict.fromkeys(_prompts(request)))
    if not vocabulary.unknown_words(text for _, text in prompts):
        prompts = tuple(item for item in prompts if vocabulary.too_long([item[1]]))
    for field, text in prompts:
        unknown = vocabulary.unknown_words([text])
        if unknown:
            raise RequestError(
                f"{field}: the model {model.name} has no word for "
                f"{safe(', '.join(unknown), 200)!r}, expected words of its vocabulary",
                "Use words the model's tokenizer knows.",
                field=field,
            )
        if vocabulary.too_long([text]):
            raise RequestError(
                f"{field}: {safe(text, 60)!r} has more tokens than the model reads",
                "Shorten it.",
                field=field,
            )


def _prompts(request: EditRequest) -> Iterator[tuple[str, str]]:
    """Yield every text that becomes a prompt, with the field it stands in."""
    checks = request.checks
    found = chain(
        _concept_prompts(request),
        (("spec.preserve", text) for text in request.preserve),
        (("spec.checks.efficacy", text) for text in checks.efficacy),
        (("spec.checks.generality", text) for text in checks.generality),
        (("spec.checks.specificity", item.prompt) for item in checks.specificity),
    )
    return ((field, text) for field, text in found if text.strip())


def _concept_prompts(request: EditRequest) -> Iterator[tuple[str, str]]:
    for index, concept in enumerate(request.concepts):
        field = f"spec.concepts.{index}"
        yield f"{field}.source", concept.source
        yield f"{field}.destination", concept.destination or ""
        for attribute in request.attributes:
            filled = attribute.prompt.replace("{}", concept.source)
            yield f"spec.attributes.{attribute.name}.prompt", filled
        for template in _templates(request):
            yield "spec.parameters.templates", template.replace("{}", concept.source)


def _templates(request: EditRequest) -> tuple[str, ...]:
    value = request.parameters.get("templates")
    given = value if isinstance(value, list | tuple) else ()
    return tuple(item for item in given if isinstance(item, str))
