from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SmsConfig(AppConfig):
    name = "sms"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks; install the triggers after every migrate."""
        from sms import checks  # noqa: F401
        from sms.triggers import install

        post_migrate.connect(install, sender=self)
