from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CreditConfig(AppConfig):
    name = "credit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Install the triggers after every migrate."""
        from credit.triggers import install

        post_migrate.connect(install, sender=self)
