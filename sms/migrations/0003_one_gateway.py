from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sms", "0002_continuity"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="gateway",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The one gateway that may have it, as for a test; empty: by its routes.",
                max_length=32,
            ),
        ),
    ]
