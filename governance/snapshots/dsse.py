"""DSSE envelopes: what a key signed, with its type, in JSON."""

import base64
import binascii
from collections.abc import Mapping

from governance.canonical import JSON
from governance.errors import IntegrityError
from governance.identity.model_key import ModelKey, PublicModelKey
from governance.snapshots import shapes_of

IN_TOTO = "application/vnd.in-toto+json"


def envelope(payload: bytes, signer: ModelKey, keyid: str) -> dict[str, JSON]:
    """Sign an in-toto statement.

    Args:
        payload: The statement's bytes.
        signer: The key.
        keyid: What to call it; an empty string names none.
    """
    signature = signer.sign(_encoded(payload))
    return {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": IN_TOTO,
        "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": keyid}],
    }


def opened(found: JSON, key: PublicModelKey, keyid: str) -> bytes:
    """Return what a key signed.

    Args:
        found: An envelope, from anybody.
        key: The key.
        keyid: What the envelope has to call it; no signature covers that.

    Raises:
        IntegrityError: It is no envelope with one signature, or another key's.
    """
    shapes_of.ENVELOPE(found, "")
    match found:
        case {
            "payload": str(payload),
            "payloadType": str(kind),
            "signatures": [Mapping() as signature],
        } if kind == IN_TOTO:
            message = _decoded(payload)
        case _:
            raise IntegrityError("expected an in-toto envelope with one signature")
    if signature["keyid"] != keyid:
        raise IntegrityError("signatures[0].keyid: it names another key")
    if not key.signed(_decoded(signature.get("sig")), _encoded(message)):
        raise IntegrityError("the model signing key did not sign it")
    return message


def _encoded(payload: bytes) -> bytes:
    """Return the bytes that are signed: DSSE's pre-authentication encoding."""
    return f"DSSEv1 {len(IN_TOTO)} {IN_TOTO} {len(payload)} ".encode() + payload


def _decoded(value: JSON) -> bytes:
    try:
        found = base64.b64decode(str(value), validate=True)
    except (binascii.Error, ValueError) as error:
        raise IntegrityError("it holds something that is no base64") from error
    # The last character has bits to spare, which would say nothing and be anything.
    if base64.b64encode(found).decode() != value:
        raise IntegrityError("it holds base64 that is not in its one form")
    return found
