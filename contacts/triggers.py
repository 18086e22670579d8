"""Keeps what staff did append-only in the database itself (FAULTS A4), on PostgreSQL and SQLite.

Installed after every migrate: SQLite drops triggers when a table is remade.
"""

from django.db import connection

SENTENCE = "acts of staff are never changed or deleted"
TRIGGERS = {"staff_act_is_never_changed": "UPDATE", "staff_act_is_never_deleted": "DELETE"}

_FUNCTION = f"""
CREATE OR REPLACE FUNCTION staff_act_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '{SENTENCE}' USING ERRCODE = 'integrity_constraint_violation'; END $$
"""


def install(**_: object) -> None:
    """Install the triggers anew; a receiver of post_migrate."""
    postgresql = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        if postgresql:
            cursor.execute(_FUNCTION)
        for name, verb in TRIGGERS.items():
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{' ON contacts_staffact' if postgresql else ''}")
            act = (
                "FOR EACH ROW EXECUTE FUNCTION staff_act_is_append_only()"
                if postgresql
                else f"BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END"
            )
            cursor.execute(f"CREATE TRIGGER {name} BEFORE {verb} ON contacts_staffact {act}")
