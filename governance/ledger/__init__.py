"""The append-only log, its Merkle tree and the content-addressed store beside it."""
