"""`manage.py stripe_double`: the demo's double of Stripe, started by `manage.py run` beside the office."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from office.stripe_double.server import Double, LiveKey, Place

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Command(BaseCommand):
    help = "Stands in for Stripe in the demo: no card is charged. Needs DEMO=1."
    requires_system_checks = []

    def handle(self, *_: Any, **__: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The double of Stripe serves the demo only: DEMO is not 1.")
        base = urlsplit(settings.STRIPE_API_BASE)
        if base.hostname not in LOOPBACK or not base.port:
            raise CommandError("STRIPE_API_BASE must be a port of this machine, such as http://127.0.0.1:18000.")
        try:
            double = Double(
                Place(
                    host="127.0.0.1", port=base.port, key=settings.STRIPE_SECRET_KEY,
                    webhook=f"{settings.BASE_URL}/stripe/webhook/", secret=settings.STRIPE_WEBHOOK_SECRET,
                    file=settings.DATA_DIR / "stripe_double.json",
                )
            )  # fmt: skip
        except LiveKey:
            raise CommandError("The double of Stripe refuses live keys.") from None
        except OSError as error:
            raise CommandError(f"STRIPE_API_BASE={settings.STRIPE_API_BASE}: {error.strerror}.") from None
        double.serve()
