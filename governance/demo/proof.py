"""The live snapshot leaves the workspace, and one flipped byte gives itself away."""

import shutil
from pathlib import Path

from governance.demo.stage import Stage
from governance.errors import CheckFailedError
from governance.service.facade import Governance, Job, JobKind
from governance.wiring import verify_export

TARGET = Path("unet/diffusion_pytorch_model.safetensors")


def export_and_break(governance: Governance, workspace: Path, stage: Stage) -> Path:
    """Export the live snapshot, verify it, then break a copy and verify that.

    Args:
        governance: Open workspace.
        workspace: Its folder; the export lies beside it.
        stage: Where to tell what happens.

    Returns:
        The export's folder.

    Raises:
        CheckFailedError: A good export was refused, or a broken one passed.
    """
    target = workspace.with_name(workspace.name + "-export")
    arguments = {
        "snapshot": "live",
        "output": str(target),
        "format": "diffusers",
        "model": None,
    }
    job = Job(JobKind.EXPORT, arguments)
    with stage.working("export") as progress:
        governance.finish(job, governance.compute(job, progress))
    verdict = verify_export(target, None)
    if not verdict.ok:
        raise CheckFailedError(f"demo: the export does not verify: {verdict.findings}")
    stage.say(f"exported {target}: verified, trust {verdict.trust}")
    _break_a_copy(target, stage)
    return target


def _break_a_copy(export: Path, stage: Stage) -> None:
    broken = export.with_name(export.name + "-broken")
    shutil.copytree(export, broken)
    try:
        _flip_one_byte(broken / TARGET)
        findings = verify_export(broken, None).findings
        named = [item.path for item in findings if item.problem == "changed"]
        if named != [TARGET.as_posix()]:
            raise CheckFailedError(
                f"demo: one byte of {TARGET} was flipped, verify named {named}"
            )
        stage.say(f"  one byte flipped in a copy: verify names {named[0]}")
    finally:
        shutil.rmtree(broken)


def _flip_one_byte(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))
