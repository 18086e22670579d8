"""The limits that an office begins with: far above what people send, far below what a stolen account would."""

from typing import Any

from django.db import migrations

FIRST = (
    ("office", "hour", 300_000),
    ("office", "day", 1_000_000),
    ("user", "hour", 100_000),
    ("user", "day", 200_000),
    ("new_user", "hour", 60_000),
    ("new_user", "day", 100_000),
    ("country", "hour", 10_000),
    ("country", "day", 30_000),
    ("new_country", "day", 500),
    ("number", "day", 200),
)


def leave_room(apps: Any, schema_editor: Any) -> None:
    """Let the next version of a counter fit beside it: no index is written then (PostgreSQL only)."""
    if schema_editor.connection.vendor == "postgresql":
        for table in ("credit_limitcount", "credit_numbercount"):
            schema_editor.execute(f"ALTER TABLE {table} SET (fillfactor = 50)")


def write(apps: Any, _schema_editor: Any) -> None:
    limit = apps.get_model("credit", "Limit")
    limit.objects.bulk_create(limit(kind=kind, window=window, most=most) for kind, window, most in FIRST)


class Migration(migrations.Migration):
    dependencies = [("credit", "0003_limits")]
    operations = [
        migrations.RunPython(leave_room, migrations.RunPython.noop),
        migrations.RunPython(write, migrations.RunPython.noop),
    ]
