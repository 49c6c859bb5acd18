"""Where people ask for a file: never inside the workspace, nor inside a model."""

from pathlib import Path

from governance.errors import UsageError
from governance.service.workspace import Workspace


def keep_outside(workspace: Workspace, path: Path) -> Path:
    """Refuse a place for a file that lies in the workspace or in a registered model.

    Args:
        workspace: The workspace.
        path: Where a file is to be written; links on the way are followed.

    Returns:
        The place, absolute.

    Raises:
        UsageError: It lies inside one of them.
    """
    target = path.absolute()
    real = target.resolve()
    models = (Path(model.path) for model in workspace.state.models.values())
    for folder in (workspace.layout.root, *models):
        if real.is_relative_to(folder.resolve()):
            raise UsageError(
                f"{path} lies inside {folder}; expected a place outside the workspace "
                "and its models, which hold nothing but their own files",
                "Give another place.",
            )
    return target
