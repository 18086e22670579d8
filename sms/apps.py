from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class SmsConfig(AppConfig):
    name = "sms"
    verbose_name = _("SMS")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks; install the triggers after every migrate."""
        from sms import checks  # noqa: F401
        from sms.triggers import install

        post_migrate.connect(install, sender=self)
