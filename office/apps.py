from django.apps import AppConfig
from django.contrib.admin import apps as admin
from django.contrib.staticfiles.apps import StaticFilesConfig


class OfficeConfig(AppConfig):
    name = "office"
    default = True
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Set up the logs, and make the Celery app the one that every `shared_task` belongs to."""
        from office import celery, logs  # noqa: F401

        logs.configure()


class StaffPages(admin.AdminConfig):
    """Django's administration as the office's own site."""

    default = False
    default_site = "office.staff_site.StaffSite"


class StaticFiles(StaticFilesConfig):
    """Leaves out what the libraries ship and no page of ours asks for.

    Extensions of htmx import a file that their own package lacks; Bootstrap comes in forty forms; of the two viewers
    of API descriptions one is shown.
    """

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "hx-*", "htmx-2-compat*", "*.rtl.*", "bootstrap-*", "redoc"]
