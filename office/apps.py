from django.apps import AppConfig


class OfficeConfig(AppConfig):
    name = "office"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Set up the logs, and make the Celery app the one that every `shared_task` belongs to."""
        from office import celery, logs  # noqa: F401

        logs.configure()
