"""What an SMS is paid from. Money is in whole units of 1/10,000 of the office's currency; the allowance in parts.

Rows here change only through `charging` and `allowance`.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from credit import limit_models

__all__ = [
    "LOW_BELOW",
    "Account",
    "Allowance",
    "Entry",
    "Plan",
    "limit_models",
]  # the last for Django, which looks here

LOW_BELOW = 5


class Plan(models.Model):
    """What a subscription grants each month (S12, S15) and what a part costs beyond it (S13)."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    parts_a_month = models.PositiveIntegerField(_("parts a month"), default=0)
    price = models.PositiveBigIntegerField(
        _("price of a part"),
        null=True,
        blank=True,
        help_text=_("In 1/10,000 of the currency; empty: the office's price."),
    )

    fee = models.PositiveBigIntegerField(
        _("price of a month"), default=0, help_text=_("In 1/10,000 of the currency, VAT included.")
    )
    vat = models.DecimalField(
        _("VAT in percent"),
        max_digits=4,
        decimal_places=2,
        default=21,
        help_text=_("Of what is in the price of a month."),
    )

    class Meta:
        ordering = ["name"]
        verbose_name = _("plan")
        verbose_name_plural = _("plans")

    def __str__(self) -> str:
        return self.name


class Account(models.Model):
    """One user's credit: the plan that fills the allowance, and the balance, which never lapses."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="account", verbose_name=_("user")
    )
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, null=True, blank=True, verbose_name=_("plan"))
    balance = models.BigIntegerField(_("balance"), default=0)
    low_below = models.PositiveIntegerField(_("low below so many SMS"), default=LOW_BELOW)
    tells_low = models.BooleanField(_("when my credit runs low"), default=True)
    tells_lapse = models.BooleanField(_("before SMS of my allowance lapse"), default=True)
    tells_shortage = models.BooleanField(_("when planned SMS need more than I have"), default=True)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [models.CheckConstraint(name="balance_never_negative", condition=Q(balance__gte=0))]

    def __str__(self) -> str:
        return f"{self.user}"


class Allowance(models.Model):
    """The parts granted for one window (a month in the office's zone) and what is left of them."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="allowances")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    granted = models.IntegerField()
    available = models.IntegerField()

    class Meta:
        ordering = ["-starts_at"]
        constraints = [
            models.UniqueConstraint(name="one_allowance_per_account_and_window", fields=["account", "starts_at"]),
            models.CheckConstraint(
                name="allowance_within_its_grant", condition=Q(available__gte=0, available__lte=F("granted"))
            ),
            models.CheckConstraint(name="allowance_ends_after_it_starts", condition=Q(ends_at__gt=F("starts_at"))),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.starts_at:%Y-%m}"


class Entry(models.Model):
    """One line of the statement: how many parts and how much money came or went, and what for. Never changed.

    `parts` moves the allowance of the window `allowance`; `amount` moves the balance. The available figures are the
    sums of these. `occasion` and `reference` say what it was for without any personal text: entries outlive erasure.
    """

    class Kind(models.TextChoices):
        GRANT = "grant", _("Allowance of the month")
        CHARGE = "charge", _("SMS")
        REFUND = "refund", _("Refund: did not leave")
        LAPSE = "lapse", _("Lapsed at the end of the month")
        ADJUST = "adjust", _("Adjusted by the office")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    allowance = models.ForeignKey(Allowance, on_delete=models.PROTECT, null=True, related_name="entries")
    parts = models.IntegerField(_("parts"), default=0)
    amount = models.BigIntegerField(_("amount"), default=0)
    key = models.CharField(max_length=100)
    occasion = models.CharField(_("occasion"), max_length=20, blank=True)
    reference = models.CharField(max_length=64, blank=True)
    refunds = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="refunded_by")
    why = models.CharField(_("reason"), max_length=200, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("by")
    )
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        indexes = [models.Index(name="entry_of_account", fields=["account", "-created_at", "-id"])]
        constraints = [
            models.UniqueConstraint(name="one_entry_per_account_and_key", fields=["account", "key"]),
            models.CheckConstraint(name="entry_parts_have_a_window", condition=Q(parts=0) | Q(allowance__isnull=False)),
            models.CheckConstraint(
                name="entry_goes_the_way_of_its_kind",
                condition=(
                    Q(kind="grant", parts__gte=0, amount=0)
                    | Q(kind="charge", parts__lte=0, amount__lte=0)
                    | Q(kind="refund", parts__gte=0, amount__gte=0, refunds__isnull=False)
                    | Q(kind="lapse", parts__lte=0, amount=0)
                    | Q(kind="adjust") & ~Q(why="")
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.parts} {self.amount}"
