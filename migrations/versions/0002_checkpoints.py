"""The signed heads of the log."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SQLITE = (
    """CREATE TABLE checkpoints (
    size INTEGER NOT NULL PRIMARY KEY,
    note BLOB NOT NULL
) STRICT""",
    """CREATE TRIGGER checkpoints_no_update
BEFORE UPDATE ON checkpoints
BEGIN
    SELECT RAISE(ABORT, 'checkpoints are append-only: no UPDATE');
END""",
    """CREATE TRIGGER checkpoints_no_delete
BEFORE DELETE ON checkpoints
BEGIN
    SELECT RAISE(ABORT, 'checkpoints are append-only: no DELETE');
END""",
    """CREATE TRIGGER checkpoints_only_head
BEFORE INSERT ON checkpoints
WHEN NEW.size IS NOT (SELECT MAX(sequence) FROM entries)
    OR EXISTS (SELECT 1 FROM checkpoints WHERE size = NEW.size)
BEGIN
    SELECT RAISE(ABORT, 'checkpoints are append-only: only of the head');
END""",
)
POSTGRESQL = (
    """CREATE TABLE checkpoints (
    size BIGINT NOT NULL PRIMARY KEY,
    note BYTEA NOT NULL
)""",
    """CREATE FUNCTION checkpoints_only_head() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog AS $$
DECLARE
    head BIGINT;
BEGIN
    EXECUTE format('SELECT MAX(sequence) FROM %I.entries', TG_TABLE_SCHEMA) INTO head;
    IF NEW.size IS DISTINCT FROM head THEN
        RAISE EXCEPTION 'checkpoints are append-only: only of the head';
    END IF;
    RETURN NEW;
END
$$""",
    """CREATE TRIGGER checkpoints_no_update BEFORE UPDATE ON checkpoints
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse()""",
    """CREATE TRIGGER checkpoints_no_delete BEFORE DELETE ON checkpoints
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse()""",
    """CREATE TRIGGER checkpoints_no_truncate BEFORE TRUNCATE ON checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()""",
    """CREATE TRIGGER checkpoints_only_head BEFORE INSERT ON checkpoints
    FOR EACH ROW EXECUTE FUNCTION checkpoints_only_head()""",
    "ALTER TABLE checkpoints ENABLE ALWAYS TRIGGER checkpoints_no_update",
    "ALTER TABLE checkpoints ENABLE ALWAYS TRIGGER checkpoints_no_delete",
    "ALTER TABLE checkpoints ENABLE ALWAYS TRIGGER checkpoints_no_truncate",
    "ALTER TABLE checkpoints ENABLE ALWAYS TRIGGER checkpoints_only_head",
    """DO $$
BEGIN
    IF to_regrole('governance_writer') IS NOT NULL THEN
        GRANT SELECT, INSERT ON checkpoints TO governance_writer;
    END IF;
    IF to_regrole('governance_auditor') IS NOT NULL THEN
        GRANT SELECT ON checkpoints TO governance_auditor;
    END IF;
END
$$""",
)
POSTGRESQL_DOWN = (
    "DROP TABLE checkpoints",
    "DROP FUNCTION checkpoints_only_head()",
)


def upgrade() -> None:
    statements = POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE
    for statement in statements:
        op.execute(statement)


def downgrade() -> None:
    """Drop the signed heads; the log itself stays, and so does the file beside it."""
    statements: tuple[str, ...] = ("DROP TABLE checkpoints",)
    if op.get_bind().dialect.name == "postgresql":
        statements = POSTGRESQL_DOWN
    for statement in statements:
        op.execute(statement)
