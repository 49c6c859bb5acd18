"""Garbage in an export is a finding, never a crash and never a hang."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from governance.canonical import digest_of
from governance.errors import NotFoundError, UsageError
from governance.snapshots.verify import verify_export
from tests.snapshots.test_verify import named, reseal, rewrite_manifest

MANIFEST = "governance/manifest.json"
UNET = "unet/diffusion_pytorch_model.safetensors"
GARBAGE = {
    "empty": b"",
    "nul": b"\0" * 64,
    "no utf-8": b"\xff\xfe{}",
    "no json": b"{",
    "null": b"null",
    "list": b"[]",
    "object": b"{}",
    "deep": b"[" * 200_000,
    "deep object": b'{"a":' * 100_000,
    "nan": b'{"a": NaN}',
    "huge number": b'{"a": 1' + b"0" * 5000 + b"}",
    "duplicate": b'{"format": 1, "format": 2}',
    "surrogate": b'{"a": "\\ud800"}',
    "yaml alias": b"a: &x [1]\nb: *x\n",
    "yaml tag": b"a: !!python/object/apply:os.system [true]\n",
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_a_garbage_manifest_is_a_finding(export: Path, data: bytes) -> None:
    (export / MANIFEST).write_bytes(data)
    assert named(export) == [(MANIFEST, "changed")]


def documents(export: Path) -> list[Path]:
    """Everything that verifying parses, besides the manifest."""
    record = export / "governance"
    return [
        record / "edits.json",
        record / "policy.yaml",
        record / "signoffs/1.json",
        record / "signoffs/1.json.sshsig",
        record / "allowed_signers",
        record / "checkpoint",
        record / "proofs.json",
        record / "keys/ledger.pub",
        *(record / "policies").iterdir(),
        *(record / "suites").iterdir(),
        export / UNET,
    ]


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_garbage_that_the_manifest_vouches_for_is_a_finding(
    export: Path, data: bytes
) -> None:
    for place in documents(export):
        original = place.read_bytes()
        place.write_bytes(data)
        reseal(export)
        assert named(export), place.name
        place.write_bytes(original)
    reseal(export)
    assert named(export) == []


def test_a_truncated_document_is_a_finding(export: Path) -> None:
    for place in [export / MANIFEST, *documents(export)]:
        original = place.read_bytes()
        for size in range(0, len(original), max(1, len(original) // 7)):
            place.write_bytes(original[:size])
            assert named(export), (place.name, size)
        place.write_bytes(original)


def set_at(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(manifest: dict[str, Any]) -> None:
        *way, last = path.split(".")
        place: Any = manifest
        for key in way:
            place = place[int(key) if isinstance(place, list) else key]
        place[int(last) if isinstance(place, list) else last] = value

    return change


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("format", "governance/manifest/v9"),
        ("files", None),
        ("files", [1]),
        ("files", [{}]),
        ("files.0.path", "../../etc/passwd"),
        ("files.0.path", "/etc/passwd"),
        ("files.0.path", "a//b"),
        ("files.0.path", "./README.md"),
        ("files.0.path", "a\u0000b"),
        ("files.0.path", "a\nb"),
        ("files.0.path", MANIFEST),
        ("files.0.path", 7),
        ("files.0.size", -1),
        ("files.0.size", True),
        ("files.0.size", 1.5),
        ("files.0.sha256", "x"),
        ("base", []),
        ("base.files", {}),
        ("base.digest", "0" * 64),
        ("snapshot", None),
        ("snapshot.edits", ["b", "a"]),
        ("snapshot.tensors", {"a": "b"}),
        ("snapshot.extra", 1),
        ("ledger", None),
        ("ledger.head", {"size": "9", "root": "0" * 64}),
        ("policy.digest", None),
        ("base.model", 7),
        ("base.source", 7),
        ("signoffs", None),
        ("signoffs", [7]),
        ("signoffs", [{}]),
        ("left_out", [{"path": 1}]),
    ],
)
def test_a_manifest_that_says_what_no_export_would_is_a_finding(
    export: Path, path: str, value: object
) -> None:
    rewrite_manifest(export, set_at(path, value))
    assert named(export) == [(MANIFEST, "changed")]


def test_a_path_named_twice_is_a_finding(export: Path) -> None:
    rewrite_manifest(export, lambda m: m["files"].append(m["files"][0]))
    assert named(export) == [(MANIFEST, "changed")]


def test_a_snapshot_that_edits_another_tensor_is_a_finding(export: Path) -> None:
    def change(manifest: dict[str, Any]) -> None:
        described = manifest["snapshot"]
        described["tensors"][f"{UNET}:no.such.tensor"] = "0" * 64
        described["tensors"]["nowhere.safetensors:x"] = "0" * 64
        del described["digest"]
        described["digest"] = digest_of(described)

    rewrite_manifest(export, change)
    assert (UNET, "proof") in named(export)
    assert ("nowhere.safetensors", "missing") in named(export)


def test_a_link_is_a_finding_even_to_the_right_bytes(export: Path) -> None:
    place = export / "unet/config.json"
    elsewhere = export.parent / "config.json"
    place.rename(elsewhere)
    place.symlink_to(elsewhere)
    assert named(export) == [("unet/config.json", "changed")]


def test_a_linked_folder_is_a_finding(export: Path) -> None:
    (export / "vae").rename(export.parent / "vae")
    (export / "vae").symlink_to(export.parent / "vae")
    found = named(export)
    assert ("vae", "added") in found
    assert ("vae/config.json", "missing") in found


def test_a_link_in_place_of_the_manifest_is_not_followed(export: Path) -> None:
    (export / MANIFEST).rename(export.parent / "manifest.json")
    (export / MANIFEST).symlink_to(export.parent / "manifest.json")
    assert named(export) == [(MANIFEST, "changed")]


def test_a_pipe_is_a_finding_and_nobody_waits_for_it(export: Path) -> None:
    (export / "unet/config.json").unlink()
    os.mkfifo(export / "unet/config.json")
    os.mkfifo(export / "pipe")
    assert named(export) == [("pipe", "added"), ("unet/config.json", "changed")]


def test_a_pipe_in_place_of_the_manifest_is_a_finding(export: Path) -> None:
    (export / MANIFEST).unlink()
    os.mkfifo(export / MANIFEST)
    assert named(export) == [(MANIFEST, "changed")]


def test_a_folder_in_place_of_a_file_is_a_finding(export: Path) -> None:
    (export / "unet/config.json").unlink()
    (export / "unet/config.json").mkdir()
    assert ("unet/config.json", "missing") in named(export)
    assert ("unet/config.json/", "added") in named(export)


def test_an_enormous_document_is_not_read(export: Path) -> None:
    for name in ("edits.json", "policy.yaml", "signoffs/1.json", "allowed_signers"):
        place = export / "governance" / name
        original = place.read_bytes()
        with place.open("wb") as file:
            file.truncate(70_000_000)
        reseal(export)
        path = f"governance/{name}"
        assert path in {found.path for found in verify_export(export).findings}
        place.write_bytes(original)
    with (export / MANIFEST).open("wb") as file:
        file.truncate(70_000_000)
    (found,) = verify_export(export).findings
    assert found.message == f"{MANIFEST} is larger than {8 * 1024 * 1024} bytes"


def test_a_hostile_file_name_can_be_written_down(export: Path) -> None:
    name = os.fsencode(export) + b"/\xff\x1b[31m\xe2\x80\xaeevil"
    Path(os.fsdecode(name)).touch()
    (found,) = verify_export(export).findings
    assert found.problem == "added"
    json.dumps(found.path).encode("ascii")
    assert found.path.encode().startswith(b"\\xff")


def test_a_file_is_no_export(pristine: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no export"):
        verify_export(pristine / "README.md")


def test_an_empty_folder_is_no_export(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no export"):
        named(tmp_path)
    (tmp_path / "model.sig").touch()
    assert named(tmp_path) == [(MANIFEST, "missing")]
