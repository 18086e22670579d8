"""Hold and release: stop all hand-over, or one gateway's, at the next claim; what waits goes on waiting."""

from datetime import datetime

from django.db import DEFAULT_DB_ALIAS, transaction

from sms.models import Slot

ALL = ""


def hold(*, why: str, alias: str = ALL, now: datetime, using: str = DEFAULT_DB_ALIAS) -> bool:
    """Hold the gateway, or all of them; return whether it was not held before. The first reason stays."""
    with transaction.atomic(using=using):
        slot = Slot.objects.using(using).select_for_update().get_or_create(alias=alias)[0]
        if slot.held_at:
            return False
        slot.held_at, slot.held_why = now, why[:200]
        slot.save(update_fields=["held_at", "held_why"])
        return True


def release(*, alias: str = ALL) -> bool:
    """Let the gateway, or all, go on; return whether it was held. A gateway held by its own name stays held."""
    return bool(Slot.objects.filter(alias=alias, held_at__isnull=False).update(held_at=None, held_why=""))


def held(*aliases: str) -> bool:
    """Return whether all hand-over, or one of these gateways, is held."""
    return Slot.objects.filter(alias__in=[ALL, *aliases], held_at__isnull=False).exists()
