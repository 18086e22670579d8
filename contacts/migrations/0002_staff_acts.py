import django.core.serializers.json
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0001_people"),
    ]

    operations = [
        migrations.CreateModel(
            name="StaffAct",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="when")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("added", "added"),
                            ("changed", "changed"),
                            ("deleted", "deleted"),
                            ("invited", "invited"),
                            ("suspended", "suspended"),
                            ("readmitted", "readmitted"),
                            ("read", "text read"),
                            ("held", "held"),
                            ("released", "released"),
                            ("tested", "tested"),
                        ],
                        max_length=10,
                        verbose_name="what was done",
                    ),
                ),
                ("model", models.CharField(max_length=40, verbose_name="to what")),
                ("key", models.CharField(blank=True, max_length=64)),
                (
                    "changes",
                    models.JSONField(
                        default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder, verbose_name="changes"
                    ),
                ),
                ("why", models.CharField(blank=True, max_length=200, verbose_name="reason")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
            ],
            options={
                "verbose_name": "act of staff",
                "verbose_name_plural": "acts of staff",
                "ordering": ["-at", "-id"],
                "indexes": [models.Index(fields=["model", "key", "-at"], name="staff_act_on")],
            },
        ),
    ]
