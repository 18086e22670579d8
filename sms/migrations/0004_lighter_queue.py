"""A delivery is written four times on its way: fewer indexes to keep, room for its next version beside it.

Its lease is in no index and so stays on its page; its dead rows are swept away soon.
"""

import django.db.models.deletion
from django.db import migrations, models

SWEEP = """ALTER TABLE sms_delivery SET (fillfactor = 80,
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 1000, autovacuum_vacuum_cost_delay = 0)"""
AS_BEFORE = """ALTER TABLE sms_delivery RESET (fillfactor = 80,
    autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,
    autovacuum_analyze_scale_factor, autovacuum_analyze_threshold, autovacuum_vacuum_cost_delay)"""


def sweep_soon(apps, schema_editor):
    """Only PostgreSQL has dead rows."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(SWEEP)


def sweep_as_before(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(AS_BEFORE)


class Migration(migrations.Migration):
    dependencies = [("sms", "0003_one_gateway")]

    operations = [
        migrations.RemoveIndex(model_name="delivery", name="delivery_under_way"),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(condition=models.Q(("state", "sending")), fields=["id"], name="delivery_under_way"),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="message",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deliveries",
                to="sms.message",
            ),
        ),
        migrations.RunPython(sweep_soon, sweep_as_before),
    ]
