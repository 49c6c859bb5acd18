"""Fetching a pipeline folder from the model hub."""

from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
)

from governance.errors import NotFoundError, PipelineError

PATTERNS = ("*.json", "*.txt", "*.safetensors", "*/spiece.model")
"""What is fetched: no pickle and no code ever reaches this machine."""


def fetch_pipeline(
    repo_id: str, revision: str | None = None, cache: Path | None = None
) -> Path:
    """Fetch a pipeline's configs, vocabularies and safetensors weights.

    Args:
        repo_id: Hub name, such as ``owner/model``.
        revision: Branch, tag or commit; the default branch when omitted.
        cache: Where to keep it; the hub library's own cache when omitted.

    Returns:
        The folder.

    Raises:
        NotFoundError: The hub answers that it has no such model or revision.
        PipelineError: The hub cannot be reached and the model is not cached.
    """
    try:
        folder = snapshot_download(
            repo_id,
            revision=revision,
            cache_dir=cache,
            allow_patterns=list(PATTERNS),
        )
    except HFValidationError as error:
        raise NotFoundError(
            f"{repo_id[:120]!r} is neither a folder nor a model hub name",
            "Give the path of a diffusers pipeline folder, or owner/model.",
        ) from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, ConnectionError) as error:
        raise PipelineError(
            f"model {repo_id} is not on this machine and the model hub cannot be "
            "reached",
            "Connect to the network, or give the path of a folder.",
        ) from error
    except HfHubHTTPError as error:
        raise NotFoundError(
            f"the model hub does not give out {repo_id} at revision "
            f"{revision or 'default'}",
            "Check the name, the revision, and whether the model needs a login.",
        ) from error
    return Path(folder)
