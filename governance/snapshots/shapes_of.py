"""The shapes of the documents every export holds."""

from governance.snapshots.shapes import (
    Shape,
    anything,
    count,
    digest,
    empty,
    false,
    keyed,
    many,
    nullable,
    number,
    table,
    text,
    time,
    word,
)

FILE = keyed({"path": text, "size": count, "sha256": digest})
_HEAD = {"size": count, "root": digest}
_FORM: dict[str, Shape] = {
    "format": text,
    "keys": nullable(text),
    "dtype": nullable(text),
    "from": digest,
}
# What is known of each form beside its name: see who derives it.
_FACTS: dict[str, Shape] = {
    "modules": count,
    "ranks": table(anything),
    "recomposed": table(anything),
    "weights": count,
}
_SIGNED = keyed(
    {
        "file": text,
        "principal": text,
        "key": text,
        "namespace": text,
        "sequence": count,
        "time": text,
    }
)

MANIFEST = keyed(
    {
        "format": text,
        "kind": text,
        "created": time,
        "pages": count,
        "program": keyed({"name": word("governance"), "version": text}),
        "snapshot": keyed(
            {
                "format": text,
                "base": digest,
                "edits": many(digest),
                "tensors": table(digest),
                "digest": digest,
            }
        ),
        "base": keyed(
            {
                "model": text,
                "source": nullable(text),
                "family": text,
                "digest": digest,
                "files": many(FILE),
            }
        ),
        "ledger": keyed({"origin": text, "head": keyed(_HEAD)}),
        "policy": keyed({"name": text, "version": count, "digest": digest}),
        "signoffs": many(_SIGNED),
        "files": many(FILE),
        "left_out": many(keyed({"path": text, "reason": text})),
        "links": many(keyed({"path": text, "target": text})),
        "digest": digest,
    },
    {"derived": keyed(_FORM, _FACTS)},
)

_SHARE = keyed({"value": number, "low": number, "high": number, "n": count})
_EDIT = keyed(
    {
        "id": text,
        "digest": digest,
        "request": table(anything),
        "resolved": keyed({"request": digest, "found": table(anything)}),
        "resolved_digest": digest,
        "parameters": table(anything),
        "certificate": many(table(anything)),
        "proposal": keyed(
            {
                "principal": text,
                "key": nullable(text),
                "signature": nullable(text),
                "time": text,
            }
        ),
    }
)
_RESULT = keyed(
    {
        "edit": text,
        "metric": text,
        "before": nullable(_SHARE),
        "after": nullable(_SHARE),
        "limit": text,
        "bound": text,
        "outcome": text,
        "value": nullable(number),
    }
)

EDITS = keyed(
    {
        "format": text,
        "snapshot": digest,
        "edits": many(_EDIT),
        "results": many(_RESULT),
        "sites": many(
            keyed({"name": text, "norm": number, "before": digest, "after": digest})
        ),
    }
)

PROOFS = keyed(
    {
        "format": text,
        "origin": text,
        **_HEAD,
        "entries": many(
            keyed(
                {
                    "sequence": count,
                    "event": text,
                    "hash": digest,
                    "payload": text,
                    "proof": many(digest),
                }
            )
        ),
        "heads": many(keyed({**_HEAD, "proof": many(digest)})),
        "leaves": many(digest),
    }
)

ENVELOPE = keyed(
    {
        "payload": text,
        "payloadType": text,
        "signatures": many(keyed({"sig": text, "keyid": text})),
    }
)

BUNDLE = keyed(
    {
        "mediaType": text,
        "verificationMaterial": keyed(
            {"publicKey": keyed({"hint": text}), "tlogEntries": empty}
        ),
        "dsseEnvelope": ENVELOPE,
    }
)

SIGNED_FILES = keyed(
    {
        "_type": text,
        "subject": many(keyed({"name": text, "digest": keyed({"sha256": digest})})),
        "predicateType": text,
        "predicate": keyed(
            {
                "serialization": keyed(
                    {
                        "method": word("files"),
                        "hash_type": word("sha256"),
                        "allow_symlinks": false,
                        "ignore_paths": many(text),
                    }
                ),
                "resources": many(
                    keyed({"name": text, "algorithm": word("sha256"), "digest": digest})
                ),
            }
        ),
    }
)
"""What a bundle signs, as this program and the stock tool write it."""
