"""The append-only log.

Never run Alembic's batch mode on this table: it would recreate the table and drop
its triggers without a word.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQLITE = (
    """CREATE TABLE entries (
    sequence INTEGER NOT NULL PRIMARY KEY,
    previous BLOB NOT NULL,
    digest BLOB NOT NULL,
    node BLOB NOT NULL,
    payload BLOB NOT NULL
) STRICT""",
    """CREATE TRIGGER entries_no_update
BEFORE UPDATE ON entries
BEGIN
    SELECT RAISE(ABORT, 'entries are append-only: no UPDATE');
END""",
    """CREATE TRIGGER entries_no_delete
BEFORE DELETE ON entries
BEGIN
    SELECT RAISE(ABORT, 'entries are append-only: no DELETE');
END""",
    """CREATE TRIGGER entries_only_next
BEFORE INSERT ON entries
WHEN NEW.sequence IS NOT (SELECT COALESCE(MAX(sequence), 0) + 1 FROM entries)
    OR NEW.previous IS NOT COALESCE(
        (SELECT digest FROM entries ORDER BY sequence DESC LIMIT 1), zeroblob(32)
    )
BEGIN
    SELECT RAISE(ABORT, 'entries are append-only: only the next entry');
END""",
)
POSTGRESQL = (
    """CREATE TABLE entries (
    sequence BIGINT NOT NULL PRIMARY KEY,
    previous BYTEA NOT NULL,
    digest BYTEA NOT NULL,
    node BYTEA NOT NULL,
    payload BYTEA NOT NULL
)""",
    """CREATE FUNCTION entries_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'entries are append-only: no %', TG_OP;
END
$$""",
    """CREATE FUNCTION entries_next() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head RECORD;
BEGIN
    SELECT sequence, digest INTO head
        FROM entries ORDER BY sequence DESC LIMIT 1;
    IF NEW.sequence IS DISTINCT FROM COALESCE(head.sequence, 0) + 1
        OR NEW.previous IS DISTINCT FROM
            COALESCE(head.digest, decode(repeat('00', 32), 'hex')) THEN
        RAISE EXCEPTION 'entries are append-only: only the next entry';
    END IF;
    RETURN NEW;
END
$$""",
    """CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries
    FOR EACH ROW EXECUTE FUNCTION entries_refuse()""",
    """CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries
    FOR EACH ROW EXECUTE FUNCTION entries_refuse()""",
    """CREATE TRIGGER entries_no_truncate BEFORE TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION entries_refuse()""",
    """CREATE TRIGGER entries_only_next BEFORE INSERT ON entries
    FOR EACH ROW EXECUTE FUNCTION entries_next()""",
    "ALTER TABLE entries ENABLE ALWAYS TRIGGER entries_no_update",
    "ALTER TABLE entries ENABLE ALWAYS TRIGGER entries_no_delete",
    "ALTER TABLE entries ENABLE ALWAYS TRIGGER entries_no_truncate",
    "ALTER TABLE entries ENABLE ALWAYS TRIGGER entries_only_next",
)


def upgrade() -> None:
    statements = POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE
    for statement in statements:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    message = "the log cannot be taken back: there is no schema before it"
    raise NotImplementedError(message)
