"""``model.sig``: the whole folder, signed as OpenSSF model signing does it.

The bundle is what the stock ``model_signing`` 1.x reads and writes with a key: a
Sigstore bundle v0.3 around a DSSE envelope around an in-toto statement, which lists
every file with its SHA-256. Digests come from what was hashed while it was written, so
no file is read again.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping

from governance.canonical import JSON
from governance.errors import IntegrityError
from governance.identity.model_key import ModelKey, PublicModelKey
from governance.snapshots import shapes_of
from governance.snapshots.dsse import envelope, opened
from governance.snapshots.names import MODEL_SIGNATURE, RECORD
from governance.snapshots.parts import Exporting
from governance.snapshots.reading import parse_json

MODEL_KEY = f"{RECORD}/keys/model-signing.pub"
STATEMENT = "https://in-toto.io/Statement/v1"
_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_PREDICATE = "https://model_signing/signature/v1.0"
# The first four are what stock tools ignore anyway.
_IGNORED = (".git", ".gitattributes", ".github", ".gitignore", MODEL_SIGNATURE)


def key_file(about: Exporting) -> Iterator[tuple[str, bytes]]:
    """Yield the public key that checks ``model.sig`` and the attestation."""
    if about.inputs.signer is not None:
        yield MODEL_KEY, about.inputs.signer.public.pem


def signature_file(about: Exporting) -> Iterator[tuple[str, bytes]]:
    """Yield ``model.sig`` over every file written, the manifest included."""
    if about.inputs.signer is not None:
        digests = {record.path: record.sha256 for record in about.files}
        yield MODEL_SIGNATURE, bundle(about.inputs.model, digests, about.inputs.signer)


def bundle(name: str, digests: Mapping[str, str], signer: ModelKey) -> bytes:
    """Return a signed bundle.

    Args:
        name: What the folder is called.
        digests: Relative path to SHA-256 of every file.
        signer: The key.
    """
    # Sorted part by part, as the stock tool sorts paths: it hashes in this order.
    paths = sorted(digests, key=lambda path: path.split("/"))
    listed = [digests[path] for path in paths]
    statement: dict[str, JSON] = {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": _root(listed)}}],
        "predicateType": _PREDICATE,
        "predicate": {
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": False,
                "ignore_paths": list(_IGNORED),
            },
            "resources": [
                {"name": path, "algorithm": "sha256", "digest": digests[path]}
                for path in paths
            ],
        },
    }
    document: dict[str, JSON] = {
        "mediaType": _BUNDLE,
        "verificationMaterial": {
            "publicKey": {"hint": signer.public.hint},
            "tlogEntries": [],
        },
        "dsseEnvelope": envelope(json.dumps(statement, indent=2).encode(), signer, ""),
    }
    return json.dumps(document, separators=(",", ":")).encode()


def signed_digests(data: bytes, key: PublicModelKey) -> dict[str, str]:
    """Return path and SHA-256 of every file that a bundle signs.

    Args:
        data: A bundle, ours or one the stock tool wrote with a key.
        key: Whose signature it must be.

    Raises:
        IntegrityError: It is malformed, or signed with another key.
    """
    found = parse_json(data, "the bundle")
    shapes_of.BUNDLE(found, "")
    match found:
        case {
            "mediaType": str(media),
            "verificationMaterial": {"publicKey": {"hint": hint}},
            "dsseEnvelope": signed,
        } if media == _BUNDLE:
            if hint != key.hint:
                raise IntegrityError("it names another key than the model signing key")
        case _:
            raise IntegrityError(f"expected {_BUNDLE} with a public key")
    return _digests(parse_json(opened(signed, key, ""), "the signed statement"))


def _digests(statement: JSON) -> dict[str, str]:
    shapes_of.SIGNED_FILES(statement, "")
    match statement:
        case {
            "_type": str(kind),
            "predicateType": str(predicate),
            "subject": [{"digest": {"sha256": str(root)}}],
            "predicate": {"resources": list(resources)},
        } if (kind, predicate) == (STATEMENT, _PREDICATE):
            pairs = [_resource(item) for item in resources]
        case _:
            raise IntegrityError(f"expected one {_PREDICATE} over files by SHA-256")
    found = dict(pairs)
    if len(found) != len(pairs) or _root([digest for _, digest in pairs]) != root:
        raise IntegrityError("its files do not make up the digest it signs")
    return found


def _resource(item: JSON) -> tuple[str, str]:
    match item:
        case {"name": str(name), "algorithm": "sha256", "digest": str(digest)}:
            return name, digest
        case _:
            raise IntegrityError("a file in it lacks name, algorithm or digest")


def _root(digests: Iterable[str]) -> str:
    hasher = hashlib.sha256()
    try:
        for digest in digests:
            hasher.update(bytes.fromhex(digest))
    except ValueError as error:
        raise IntegrityError("a digest in it is no hex") from error
    return hasher.hexdigest()
