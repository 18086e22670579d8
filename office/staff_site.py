"""The administration as a whole: its door, its order, and the watch that no write of staff goes untold (FAULTS A4)."""

import re
from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib.admin import AdminSite
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _

from contacts.models import StaffAct

WRITE = re.compile(
    r"\b(?:INSERT(?: OR \w+)? INTO|UPDATE|DELETE FROM)\s+\"?((?:contacts|credit|sms|agenda|messaging|office|auth)_\w+)"
)
SAFE = ("GET", "HEAD", "OPTIONS")
NOBODYS = {"office_cache"}
ORDER = ("contacts", "sms", "credit")
LIBRARIES = ("django.", "allauth.")

View = Callable[..., Any]


class Untold(Exception):
    """A page of the administration wrote something and wrote no act of staff; all of it was taken back."""


class Witness:
    """Notes which of our tables are written to: an execute wrapper."""

    def __init__(self) -> None:
        self.tables: set[str] = set()

    def __call__(self, execute: View, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.tables.update(set(WRITE.findall(sql)) - NOBODYS)
        return execute(sql, params, many, context)

    @property
    def untold(self) -> bool:
        """Whether something was written, and no act of staff."""
        return bool(self.tables) and StaffAct._meta.db_table not in self.tables


def told(view: View) -> View:
    """Return the view in one transaction that is taken back, with Untold, where it writes and tells no act.

    A page that only shows takes no transaction: on SQLite that would keep everybody else from writing.
    """

    @wraps(view)
    def watched(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        witness, shows = Witness(), request.method in SAFE
        with nullcontext() if shows else transaction.atomic(), connection.execute_wrapper(witness):
            answer: HttpResponse = view(request, *args, **kwargs)
            if witness.untold and (shows or not transaction.get_rollback()):
                raise Untold(", ".join(sorted(witness.tables)))
        return answer

    return watched


class StaffSite(AdminSite):
    """Django's own administration behind the office's door."""

    site_title = _("Administration")
    index_title = _("What the office's staff looks after")
    enable_nav_sidebar = False

    @property
    def site_header(self) -> str:  # type: ignore[override]
        """Name the office."""
        return settings.OFFICE_NAME

    @method_decorator(secure_admin_login)
    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Lead to the one door, with its limits."""
        return super().login(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Lead to the one page where passwords are changed."""
        return redirect("account_reset_password")

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Let staff in only, and watch what the page writes."""
        return super().admin_view(told(view), cacheable)

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Leave out the pages that libraries bring: they write no acts, and change what nothing here reads."""
        if admin_class and not admin_class.__module__.startswith(LIBRARIES):
            super().register(model_or_iterable, admin_class, **options)

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """Add the pages that belong to no one record; every page is open to staff with the right to it only."""
        from office import staff_gateways as gateways

        own: list[URLResolver | URLPattern] = [
            path("gateways/", self.admin_view(gateways.page), name="gateways"),
            path("gateways/test/", self.admin_view(gateways.send_test), name="gateways_test"),
            path("gateways/<str:alias>/<str:step>/", self.admin_view(gateways.change), name="gateways_change"),
        ]
        return own + super().get_urls()

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return the apps with their records; SMS has the gateways beside its messages."""
        found = super().get_app_list(request, app_label)
        for app in found:
            if app["app_label"] == "sms":
                for model in app["models"]:
                    model["name"] = _("Messages")
                app["models"].append(
                    {"name": _("Gateways"), "object_name": "Gateways", "admin_url": reverse("admin:gateways"),
                     "add_url": None, "view_only": True, "perms": {"view": True}}
                )  # fmt: skip
        return sorted(found, key=lambda app: ORDER.index(app["app_label"]))
