from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies: ClassVar = []

    operations: ClassVar = [
        migrations.CreateModel(
            name="HandsetMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "gateway",
                    models.CharField(help_text="Whose hand-over it was; its receipts go back there.", max_length=32),
                ),
                ("reference", models.CharField(max_length=100)),
                ("number", models.CharField(max_length=16)),
                ("sender", models.CharField(blank=True, max_length=40)),
                ("text", models.TextField()),
                ("parts", models.PositiveSmallIntegerField()),
                ("received_at", models.DateTimeField()),
                ("receipt", models.CharField(blank=True, max_length=12)),
            ],
            options={"indexes": [models.Index(fields=["number", "-id"], name="handset_of_number")]},
        ),
    ]
