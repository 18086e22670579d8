"""Since when a limit stands as it is: what it counted before cannot be held against it."""

from django.db import migrations, models
from django.utils import timezone


class Migration(migrations.Migration):
    dependencies = [("credit", "0004_first_limits")]

    operations = [
        migrations.AddField(
            model_name="limit",
            name="changed_at",
            field=models.DateTimeField(auto_now=True, default=timezone.now),
            preserve_default=False,
        ),
    ]
