"""How PostgreSQL is opened so that it keeps the promises SQLite keeps."""

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL

from governance.errors import UsageError
from governance.ledger.sqlite import WRITES

# One writer at a time, whatever the isolation level: serializable transactions alone
# would let most of several concurrent appends fail. Any fixed number does.
WRITER_LOCK = 0x676F7665726E
_CONNECT_SECONDS = 10

_ROW, _BEFORE, _INSERT, _DELETE, _UPDATE, _TRUNCATE = 1, 2, 4, 8, 16, 32

REFUSE = """
BEGIN
    RAISE EXCEPTION '% are append-only: no %', TG_TABLE_NAME, TG_OP;
END
"""
# The table is named with its schema: a temporary table of the same name would come
# first on the search path and hide it from the trigger.
ONLY_NEXT = """
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
"""
ONLY_HEAD = """
DECLARE
    head BIGINT;
BEGIN
    EXECUTE format('SELECT MAX(sequence) FROM %I.entries', TG_TABLE_SCHEMA) INTO head;
    IF NEW.size IS DISTINCT FROM head THEN
        RAISE EXCEPTION 'checkpoints are append-only: only of the head';
    END IF;
    RETURN NEW;
END
"""
# (table, trigger) -> (when it fires, what it runs)
TRIGGERS = {
    ("entries", "entries_no_update"): (_ROW | _BEFORE | _UPDATE, REFUSE),
    ("entries", "entries_no_delete"): (_ROW | _BEFORE | _DELETE, REFUSE),
    ("entries", "entries_no_truncate"): (_BEFORE | _TRUNCATE, REFUSE),
    ("entries", "entries_only_next"): (_ROW | _BEFORE | _INSERT, ONLY_NEXT),
    ("checkpoints", "checkpoints_no_update"): (_ROW | _BEFORE | _UPDATE, REFUSE),
    ("checkpoints", "checkpoints_no_delete"): (_ROW | _BEFORE | _DELETE, REFUSE),
    ("checkpoints", "checkpoints_no_truncate"): (_BEFORE | _TRUNCATE, REFUSE),
    ("checkpoints", "checkpoints_only_head"): (_ROW | _BEFORE | _INSERT, ONLY_HEAD),
}
# A trigger counts only as made: always on, unconditional, and running in a function
# whose search path nobody else chooses.
_FOUND = text("""
    SELECT c.relname, t.tgname, t.tgtype, p.prosrc,
        t.tgenabled = 'A' AND t.tgqual IS NULL AND t.tgnargs = 0
            AND t.tgattr::text = '' AND NOT p.prosecdef
            AND p.proconfig::text = '{search_path=pg_catalog}' AS firm
    FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE NOT t.tgisinternal
        AND c.oid IN (to_regclass('entries'), to_regclass('checkpoints'))
""")
_BENT = text("""
    SELECT relname FROM pg_class
    WHERE oid IN (to_regclass('entries'), to_regclass('checkpoints'))
        AND (relkind <> 'r' OR relhasrules OR relrowsecurity OR relhassubclass)
""")


def postgresql_engine(url: URL, *, readonly: bool, busy_seconds: float) -> Engine:
    """Make the engine for a PostgreSQL database.

    Args:
        url: ``postgresql+psycopg://USER@HOST/DATABASE``.
        readonly: Open so that nothing can be written.
        busy_seconds: How long to wait for another writer.

    Raises:
        UsageError: If the driver is not installed.
    """
    options = "-c default_transaction_read_only=on" if readonly else ""
    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args={"connect_timeout": _CONNECT_SECONDS, "options": options},
            # What one statement of a reader saw, the next one sees.
            isolation_level="REPEATABLE READ",
        )
    except ModuleNotFoundError as error:
        message = "PostgreSQL needs the psycopg package, which is not installed"
        raise UsageError(message, "Install governance[postgresql].") from error
    wait = max(1, int(busy_seconds * 1000))

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get(WRITES, False):
            # The lock is taken by the first statement; only a snapshot taken after it
            # shows what the writer before has committed.
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            connection.exec_driver_sql("SET LOCAL synchronous_commit = on")
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {wait}")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")

    return engine


def schema_differences(connection: Connection) -> list[str]:
    """Name every trigger or table property that is not as the migrations made it.

    Args:
        connection: An open connection.

    Returns:
        One phrase a difference; empty when all is as expected.
    """
    rows = connection.execute(_FOUND).all()
    found = {(row.relname, row.tgname): row for row in rows}
    differences = []
    for place, (fires, source) in TRIGGERS.items():
        row = found.pop(place, None)
        if row is None:
            differences.append(f"trigger {place[1]} is missing")
        elif (row.tgtype, row.prosrc, row.firm) != (fires, source, True):
            differences.append(f"trigger {place[1]} is changed")
    differences += [f"trigger {name} was added" for _, name in sorted(found)]
    bent = connection.execute(_BENT).scalars()
    return differences + [f"table {name} has rules, policies or heirs" for name in bent]
