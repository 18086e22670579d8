"""Keeps entries append-only in the database itself (FAULTS M7), on PostgreSQL and SQLite.

Installed after every migrate: SQLite drops triggers when a table is remade.
"""

from django.db import connection

NAMES = ("entry_is_never_changed", "entry_is_never_deleted")

_POSTGRESQL = """
CREATE OR REPLACE FUNCTION entry_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'entries are never changed or deleted' USING ERRCODE = 'integrity_constraint_violation'; END $$;
DROP TRIGGER IF EXISTS entry_is_never_changed ON credit_entry;
DROP TRIGGER IF EXISTS entry_is_never_deleted ON credit_entry;
CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON credit_entry
    FOR EACH ROW EXECUTE FUNCTION entry_is_append_only();
CREATE TRIGGER entry_is_never_deleted BEFORE DELETE ON credit_entry
    FOR EACH ROW EXECUTE FUNCTION entry_is_append_only();
"""
_SQLITE = (
    "DROP TRIGGER IF EXISTS entry_is_never_changed",
    "DROP TRIGGER IF EXISTS entry_is_never_deleted",
    """CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON credit_entry
        BEGIN SELECT RAISE(ABORT, 'entries are never changed or deleted'); END""",
    """CREATE TRIGGER entry_is_never_deleted BEFORE DELETE ON credit_entry
        BEGIN SELECT RAISE(ABORT, 'entries are never changed or deleted'); END""",
)


def install(**_: object) -> None:
    """Install the triggers anew; a receiver of post_migrate."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRESQL)
        else:
            for statement in _SQLITE:
                cursor.execute(statement)
