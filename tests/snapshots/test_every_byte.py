"""Each byte of an export is flipped in turn; none passes for what was exported.

The verdict is the sum of what its stages find, so a byte is named as soon as the one
stage that is responsible for its file names it: the hash of each file in the manifest,
the model signature for the manifest and for itself. The whole verification runs on
bytes from everywhere.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from governance.errors import IntegrityError
from governance.service.facade import JobKind
from governance.snapshots.manifest import Manifest, read_manifest
from governance.snapshots.names import MANIFEST, MODEL_SIGNATURE
from governance.snapshots.verify import verify_export
from governance.snapshots.verify_files import verify_files
from governance.snapshots.verify_seals import verify_seals
from tests.crash.synthetic import build_model, synthetic_parts
from tests.service.house import build

WHOLE = 509
"""A prime: every so many bytes, everything is verified."""
FLIP = 0x01


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of a live edit of two small matrices."""
    root = tmp_path_factory.mktemp("small")
    house = build(root, synthetic_parts(), model=build_model(root / "model"))
    house.live("kora")
    target = root / "out"
    house.job("ana", JobKind.EXPORT, snapshot="live", output=str(target))
    assert verify_export(target).ok
    return target


def paths(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
    )


def flipped(path: Path, step: int = 1) -> Iterator[int]:
    """Flip one byte at a time in place; the file is as it was in the end."""
    content = bytearray(path.read_bytes())
    with path.open("r+b", buffering=0) as file:
        for position in range(0, len(content), step):
            file.seek(position)
            file.write(bytes([content[position] ^ FLIP]))
            yield position
            file.seek(position)
            file.write(content[position : position + 1])


def test_every_byte_of_every_file_in_the_manifest_counts(
    small: Path, tmp_path: Path
) -> None:
    manifest = read_manifest(small)
    assert set(paths(small)) == {*manifest.files, MANIFEST, MODEL_SIGNATURE}
    for number, (path, record) in enumerate(manifest.files.items()):
        alone = tmp_path / str(number)
        (alone / path).parent.mkdir(parents=True)
        (alone / path).write_bytes((small / path).read_bytes())
        only = replace(manifest, files={path: record})
        assert verify_files(alone, only) == (frozenset([path]), ())
        for position in flipped(alone / path):
            intact, findings = verify_files(alone, only)
            assert not intact, (path, position)
            assert [found.path for found in findings] == [path], (path, position)


def test_every_byte_of_the_manifest_is_signed(small: Path) -> None:
    intact, _ = verify_files(small, read_manifest(small))
    for position in flipped(small / MANIFEST):
        try:
            manifest = read_manifest(small)
        except IntegrityError:
            continue
        assert any(verify_seals(small, manifest, intact)), position


def proof(path: Path) -> tuple[bytes, bytes, str]:
    """Return what a bundle proves: what is signed, the signature, and as what."""
    envelope = json.loads(path.read_bytes())["dsseEnvelope"]
    (signature,) = envelope["signatures"]
    return (
        base64.b64decode(envelope["payload"]),
        base64.b64decode(signature["sig"]),
        envelope["payloadType"],
    )


def test_every_byte_of_the_signature_counts_or_proves_the_same(small: Path) -> None:
    """What helps to find the key is no part of the proof, and no other key passes."""
    manifest: Manifest = read_manifest(small)
    intact, _ = verify_files(small, manifest)
    path = small / MODEL_SIGNATURE
    proven, size, same = proof(path), path.stat().st_size, 0
    for position in flipped(path):
        if not any(verify_seals(small, manifest, intact)):
            assert proof(path) == proven, position
            same += 1
    assert same < size // 20, "hardly any byte of a bundle proves nothing"


def test_the_whole_verdict_names_the_file_and_never_breaks(small: Path) -> None:
    for path in paths(small):
        for position in flipped(small / path, WHOLE):
            verdict = verify_export(small)
            if path == MODEL_SIGNATURE and verdict.ok:
                continue
            assert not verdict.ok, (path, position)
            if path != MANIFEST:
                assert path in {found.path for found in verdict.findings}, position
    assert verify_export(small).ok
