"""The database's own guard over the ledger, on SQLite and PostgreSQL.

Inserting a transfer moves the cached balances; inserting a hold or its end moves
``held``; rows of the ledger can be neither changed nor deleted. Installed after every
migrate, because SQLite drops a table's triggers when a migration remakes the table.
"""

from collections.abc import Iterator

from django.db.backends.base.base import BaseDatabaseWrapper

APPEND_ONLY = (
    "rewards_transfer",
    "rewards_hold",
    "rewards_holdend",
    "rewards_payoutevent",
    "rewards_ledgerblock",
    "rewards_reconciliation",
)

# The usual posting in one statement: everything in it is new and covered without the
# money that comes in by it. Returns false, having changed nothing, where that is not
# so: ``rewards.ledger`` then looks closer and gives the error its name.
POSTING = """
CREATE OR REPLACE FUNCTION tessera_post(
  touched bigint[], spent bigint[],
  keys text[], payers bigint[], payees bigint[], amounts bigint[], kinds text[],
  groups text[], reversed bigint[], ends bigint[], outcomes text[], moment timestamptz
) RETURNS boolean AS $$
DECLARE
  holders bigint[];
  freed bigint[];
  account record;
  short boolean := false;
BEGIN
  IF cardinality(ends) > 0 THEN
    SELECT array_agg(ended.account_id), array_agg(ended.amount) INTO holders, freed
      FROM (SELECT account_id, sum(amount)::bigint AS amount FROM rewards_hold
        WHERE id = ANY(ends) GROUP BY account_id) ended;
  END IF;
  FOR account IN
    SELECT id, credits - debits - held - floor AS free FROM rewards_account
    WHERE id = ANY(touched || holders) ORDER BY id FOR NO KEY UPDATE
  LOOP
    -- Without a floor nothing is short.
    short := short OR coalesce(account.free
      + coalesce(freed[array_position(holders, account.id)], 0)
      < coalesce(spent[array_position(touched, account.id)], 0), false);
  END LOOP;
  IF short OR EXISTS (SELECT FROM rewards_transfer WHERE key = ANY(keys))
    OR EXISTS (SELECT FROM rewards_holdend WHERE hold_id = ANY(ends))
  THEN
    RETURN false;
  END IF;
  INSERT INTO rewards_holdend (hold_id, outcome, created)
    SELECT ended.hold, ended.outcome, moment
    FROM unnest(ends, outcomes) AS ended(hold, outcome);
  INSERT INTO rewards_transfer
    (key, debit_id, credit_id, amount, kind, "group", reverses_id, created)
    SELECT key, payer, payee, amount, kind, "group", reverses, moment
    FROM unnest(keys, payers, payees, amounts, kinds, groups, reversed)
      WITH ORDINALITY
      AS move(key, payer, payee, amount, kind, "group", reverses, place)
    ORDER BY place;
  RETURN true;
END $$ LANGUAGE plpgsql;
"""
# For each statement, not for each row: an account is written once. Plans are kept for a
# session whose first statement may be a large one; so joins always go by the index.
BY_INDEX = (
    "SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off"
)
POSTGRESQL = """
CREATE OR REPLACE FUNCTION tessera_move() RETURNS trigger AS $$
BEGIN
  UPDATE rewards_account
    SET debits = debits + side.debit, credits = credits + side.credit
    FROM (
      SELECT id, sum(debit)::bigint AS debit, sum(credit)::bigint AS credit FROM (
        SELECT debit_id AS id, amount AS debit, 0 AS credit FROM fresh
        UNION ALL SELECT credit_id, 0, amount FROM fresh) sides
      GROUP BY 1 ORDER BY 1) side
    WHERE rewards_account.id = side.id;
  RETURN NULL;
END $$ LANGUAGE plpgsql {by_index};
CREATE OR REPLACE FUNCTION tessera_place_hold() RETURNS trigger AS $$
BEGIN
  UPDATE rewards_account SET held = held + side.amount
    FROM (
      SELECT account_id AS id, sum(amount)::bigint AS amount FROM fresh
      GROUP BY 1 ORDER BY 1) side
    WHERE rewards_account.id = side.id;
  RETURN NULL;
END $$ LANGUAGE plpgsql {by_index};
CREATE OR REPLACE FUNCTION tessera_end_hold() RETURNS trigger AS $$
BEGIN
  UPDATE rewards_account SET held = held - side.amount
    FROM (
      SELECT hold.account_id AS id, sum(hold.amount)::bigint AS amount
      FROM fresh JOIN rewards_hold hold ON hold.id = fresh.hold_id
      GROUP BY 1 ORDER BY 1) side
    WHERE rewards_account.id = side.id;
  RETURN NULL;
END $$ LANGUAGE plpgsql {by_index};
CREATE OR REPLACE FUNCTION tessera_append_only() RETURNS trigger AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'check_violation';
END $$ LANGUAGE plpgsql;
CREATE OR REPLACE FUNCTION tessera_guard_balance() RETURNS trigger AS $$
BEGIN
  RAISE EXCEPTION 'balances move by transfers only' USING ERRCODE = 'check_violation';
END $$ LANGUAGE plpgsql;
DROP TRIGGER IF EXISTS tessera_post ON rewards_transfer;
DROP TRIGGER IF EXISTS tessera_hold ON rewards_hold;
DROP TRIGGER IF EXISTS tessera_end ON rewards_holdend;
CREATE TRIGGER tessera_post AFTER INSERT ON rewards_transfer
  REFERENCING NEW TABLE AS fresh EXECUTE FUNCTION tessera_move();
CREATE TRIGGER tessera_hold AFTER INSERT ON rewards_hold
  REFERENCING NEW TABLE AS fresh EXECUTE FUNCTION tessera_place_hold();
CREATE TRIGGER tessera_end AFTER INSERT ON rewards_holdend
  REFERENCING NEW TABLE AS fresh EXECUTE FUNCTION tessera_end_hold();
CREATE OR REPLACE TRIGGER tessera_balance
  BEFORE UPDATE OF debits, credits, held ON rewards_account
  FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION tessera_guard_balance();
CREATE OR REPLACE TRIGGER tessera_keep_account BEFORE DELETE ON rewards_account
  FOR EACH ROW EXECUTE FUNCTION tessera_append_only();
CREATE OR REPLACE TRIGGER tessera_keep_accounts BEFORE TRUNCATE ON rewards_account
  FOR EACH STATEMENT EXECUTE FUNCTION tessera_append_only();
"""
POSTGRESQL_APPEND_ONLY = """
CREATE OR REPLACE TRIGGER tessera_keep_rows BEFORE UPDATE OR DELETE ON {table}
  FOR EACH ROW EXECUTE FUNCTION tessera_append_only();
CREATE OR REPLACE TRIGGER tessera_keep_table BEFORE TRUNCATE ON {table}
  FOR EACH STATEMENT EXECUTE FUNCTION tessera_append_only();
"""
SQLITE = (
    """CREATE TRIGGER IF NOT EXISTS tessera_post AFTER INSERT ON rewards_transfer BEGIN
      UPDATE rewards_account SET debits = debits + NEW.amount
        WHERE id = NEW.debit_id;
      UPDATE rewards_account SET credits = credits + NEW.amount
        WHERE id = NEW.credit_id;
    END""",
    """CREATE TRIGGER IF NOT EXISTS tessera_hold AFTER INSERT ON rewards_hold BEGIN
      UPDATE rewards_account SET held = held + NEW.amount WHERE id = NEW.account_id;
    END""",
    """CREATE TRIGGER IF NOT EXISTS tessera_end AFTER INSERT ON rewards_holdend BEGIN
      UPDATE rewards_account
        SET held = held - (SELECT amount FROM rewards_hold WHERE id = NEW.hold_id)
        WHERE id = (SELECT account_id FROM rewards_hold WHERE id = NEW.hold_id);
    END""",
    """CREATE TRIGGER IF NOT EXISTS tessera_keep_account
      BEFORE DELETE ON rewards_account BEGIN
      SELECT RAISE(ABORT, 'rewards_account is append-only');
    END""",
)
SQLITE_APPEND_ONLY = """CREATE TRIGGER IF NOT EXISTS tessera_keep_{event}_{table}
  BEFORE {event} ON {table} BEGIN
  SELECT RAISE(ABORT, '{table} is append-only');
END"""


def statements(vendor: str) -> Iterator[str]:
    """Yield the SQL that installs every trigger; running it again changes nothing."""
    if vendor == "postgresql":
        yield POSTGRESQL.replace("{by_index}", BY_INDEX)
        yield POSTING
        yield from (POSTGRESQL_APPEND_ONLY.format(table=table) for table in APPEND_ONLY)
        return
    yield from SQLITE
    for table in APPEND_ONLY:
        for event in ("UPDATE", "DELETE"):
            yield SQLITE_APPEND_ONLY.format(event=event, table=table)


def install(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        for sql in statements(connection.vendor):
            # No parameters at all: "%" in PL/pgSQL is not a placeholder.
            cursor.execute(sql, None)


def installed(connection: BaseDatabaseWrapper) -> set[tuple[str, str]]:
    """Return the (table, trigger) pairs of ours that the database has now."""
    sql = (
        "SELECT tgrelid::regclass::text, tgname FROM pg_trigger "
        "WHERE tgname LIKE 'tessera%' AND tgenabled <> 'D'"
        if connection.vendor == "postgresql"
        else "SELECT tbl_name, name FROM sqlite_master "
        "WHERE type = 'trigger' AND name LIKE 'tessera%'"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, None)
        return {(table, name) for table, name in cursor.fetchall()}


def expected(vendor: str) -> int:
    """Return how many triggers a guarded database has."""
    if vendor == "postgresql":
        return 6 + 2 * len(APPEND_ONLY)
    return len(SQLITE) + 2 * len(APPEND_ONLY)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Drop every trigger. For tests, which empty the tables between themselves."""
    for table, name in installed(connection):
        on_table = f" ON {table}" if connection.vendor == "postgresql" else ""
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TRIGGER {name}{on_table}", None)
