from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sms", "0001_messages")]

    operations = [
        migrations.CreateModel(
            name="Continuity",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("identity", models.CharField(max_length=80)),
                ("mark", models.BigIntegerField(default=0)),
                ("synchronous", models.BooleanField(default=False)),
                ("noted_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="one_office_in_one_database")
                ]
            },
        ),
    ]
