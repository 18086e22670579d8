"""A delivery is written four times on its way: one index less to keep, and its dead rows are swept away soon."""

import django.db.models.deletion
from django.db import migrations, models

SWEEP = """ALTER TABLE sms_delivery SET (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 1000, autovacuum_vacuum_cost_delay = 0)"""
AS_BEFORE = """ALTER TABLE sms_delivery RESET (
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
