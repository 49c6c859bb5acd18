"""The schema as this program expects it.

Migrations carry their own copies of these statements, because history must not
change when this file does; a test holds the newest copies equal to these.
"""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table

REVISIONS = ("0001", "0002")
NEWEST_REVISION = REVISIONS[-1]

metadata = MetaData()

# One row an entry. `digest` is the leaf hash of `payload`; `previous` the digest of
# the entry before (32 zero bytes for the first); `node` the hash of the largest
# complete subtree that ends here. From the nodes of popcount(n) rows comes the root
# of any size n, from O(log n) rows a proof, and nothing is ever rewritten.
entries = Table(
    "entries",
    metadata,
    Column(
        "sequence",
        BigInteger().with_variant(Integer(), "sqlite"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("previous", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("node", LargeBinary, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

NO_PREVIOUS = bytes(32)

# The signed head behind each transaction that appended something.
checkpoints = Table(
    "checkpoints",
    metadata,
    Column(
        "size",
        BigInteger().with_variant(Integer(), "sqlite"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("note", LargeBinary, nullable=False),
)

SQLITE_TABLES = {
    "entries": """CREATE TABLE entries (
    sequence INTEGER NOT NULL PRIMARY KEY,
    previous BLOB NOT NULL,
    digest BLOB NOT NULL,
    node BLOB NOT NULL,
    payload BLOB NOT NULL
) STRICT""",
    "checkpoints": """CREATE TABLE checkpoints (
    size INTEGER NOT NULL PRIMARY KEY,
    note BLOB NOT NULL
) STRICT""",
}

# INSERT OR REPLACE deletes without firing a DELETE trigger unless
# recursive_triggers is on, which any other program may leave off: the third trigger
# stops it, since the replaced sequence is never head + 1.
SQLITE_TRIGGERS = {
    "entries_no_update": """CREATE TRIGGER entries_no_update
BEFORE UPDATE ON entries
BEGIN
    SELECT RAISE(ABORT, 'entries are append-only: no UPDATE');
END""",
    "entries_no_delete": """CREATE TRIGGER entries_no_delete
BEFORE DELETE ON entries
BEGIN
    SELECT RAISE(ABORT, 'entries are append-only: no DELETE');
END""",
    "entries_only_next": """CREATE TRIGGER entries_only_next
BEFORE INSERT ON entries
WHEN NEW.sequence IS NOT (SELECT COALESCE(MAX(sequence), 0) + 1 FROM entries)
    OR NEW.previous IS NOT COALESCE(
        (SELECT digest FROM entries ORDER BY sequence DESC LIMIT 1), zeroblob(32)
    )
BEGIN
    SELECT RAISE(ABORT, 'entries are append-only: only the next entry');
END""",
    "checkpoints_no_update": """CREATE TRIGGER checkpoints_no_update
BEFORE UPDATE ON checkpoints
BEGIN
    SELECT RAISE(ABORT, 'checkpoints are append-only: no UPDATE');
END""",
    "checkpoints_no_delete": """CREATE TRIGGER checkpoints_no_delete
BEFORE DELETE ON checkpoints
BEGIN
    SELECT RAISE(ABORT, 'checkpoints are append-only: no DELETE');
END""",
    "checkpoints_only_head": """CREATE TRIGGER checkpoints_only_head
BEFORE INSERT ON checkpoints
WHEN NEW.size IS NOT (SELECT MAX(sequence) FROM entries)
    OR EXISTS (SELECT 1 FROM checkpoints WHERE size = NEW.size)
BEGIN
    SELECT RAISE(ABORT, 'checkpoints are append-only: only of the head');
END""",
}
