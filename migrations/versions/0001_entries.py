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
    """CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION '% are append-only: no %', TG_TABLE_NAME, TG_OP;
END
$$""",
    """CREATE FUNCTION entries_only_next() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog AS $$
DECLARE
    head RECORD;
BEGIN
    EXECUTE format(
        'SELECT sequence, digest FROM %I.%I ORDER BY sequence DESC LIMIT 1',
        TG_TABLE_SCHEMA, TG_TABLE_NAME
    ) INTO head;
    IF NEW.sequence IS DISTINCT FROM COALESCE(head.sequence, 0) + 1
        OR NEW.previous IS DISTINCT FROM
            COALESCE(head.digest, decode(repeat('00', 32), 'hex')) THEN
        RAISE EXCEPTION 'entries are append-only: only the next entry';
    END IF;
    RETURN NEW;
END
$$""",
    """CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse()""",
    """CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse()""",
    """CREATE TRIGGER entries_no_truncate BEFORE TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()""",
    """CREATE TRIGGER entries_only_next BEFORE INSERT ON entries
    FOR EACH ROW EXECUTE FUNCTION entries_only_next()""",
    "ALTER TABLE entries ENABLE ALWAYS TRIGGER entries_no_update",
    "ALTER TABLE entries ENABLE ALWAYS TRIGGER entries_no_delete",
    "ALTER TABLE entries ENABLE ALWAYS TRIGGER entries_no_truncate",
    "ALTER TABLE entries ENABLE ALWAYS TRIGGER entries_only_next",
    # Group roles for people and programs; made here where the owner may make roles,
    # granted to wherever they exist.
    """DO $$
BEGIN
    IF (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user)
    THEN
        IF to_regrole('governance_writer') IS NULL THEN
            CREATE ROLE governance_writer NOLOGIN;
        END IF;
        IF to_regrole('governance_auditor') IS NULL THEN
            CREATE ROLE governance_auditor NOLOGIN;
        END IF;
    END IF;
    IF to_regrole('governance_writer') IS NOT NULL THEN
        GRANT SELECT ON alembic_version TO governance_writer;
        GRANT SELECT, INSERT ON entries TO governance_writer;
    END IF;
    IF to_regrole('governance_auditor') IS NOT NULL THEN
        GRANT SELECT ON alembic_version, entries TO governance_auditor;
    END IF;
END
$$""",
)


def upgrade() -> None:
    statements = POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE
    for statement in statements:
        op.execute(statement)


def downgrade() -> None:
    message = "the log cannot be taken back: there is no schema before it"
    raise NotImplementedError(message)
