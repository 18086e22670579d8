"""What an SMS is paid from. Money is in whole units of 1/10,000 of the office's currency; the allowance in parts.

Rows here change only through `charging` and `allowance`.
"""

import uuid

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
    """One user's credit: the plan that fills the allowance, and the balance, which never lapses.

    `debt` is what was taken back of a payment after it had been spent: it blocks spending, and the next credit pays
    it first. There is never a debt beside a balance.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="account", verbose_name=_("user")
    )
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, null=True, blank=True, verbose_name=_("plan"))
    balance = models.BigIntegerField(_("balance"), default=0)
    debt = models.BigIntegerField(_("debt"), default=0)
    low_below = models.PositiveIntegerField(_("low below so many SMS"), default=LOW_BELOW)
    tells_low = models.BooleanField(_("when my credit runs low"), default=True)
    tells_lapse = models.BooleanField(_("before SMS of my allowance lapse"), default=True)
    tells_shortage = models.BooleanField(_("when planned SMS need more than I have"), default=True)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            models.CheckConstraint(name="balance_never_negative", condition=Q(balance__gte=0)),
            models.CheckConstraint(name="debt_never_negative", condition=Q(debt__gte=0)),
            models.CheckConstraint(name="no_balance_beside_a_debt", condition=Q(balance=0) | Q(debt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.user}"


class Allowance(models.Model):
    """The parts granted for one window (a month in the office's zone) and what is left of them."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="allowances", db_index=False)
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

    `parts` moves the allowance of the window `allowance`; `amount` moves the balance, `debt` the debt. The figures of
    the account are the sums of these. `occasion` and `reference` say what it was for without any personal text:
    entries outlive erasure.
    """

    class Kind(models.TextChoices):
        GRANT = "grant", _("Allowance of the month")
        CHARGE = "charge", _("SMS")
        REFUND = "refund", _("Refund: did not leave")
        LAPSE = "lapse", _("Lapsed at the end of the month")
        ADJUST = "adjust", _("Adjusted by the office")
        TOP_UP = "top_up", _("Top-up by card")
        PAY_BACK = "pay_back", _("Paid back to your card")
        RETURNED = "returned", _("Your card did not take the money back")
        DISPUTE = "dispute", _("Payment disputed with your bank")
        WON = "won", _("Dispute ended: given back")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="entries", db_index=False)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    allowance = models.ForeignKey(Allowance, on_delete=models.PROTECT, null=True, related_name="entries")
    parts = models.IntegerField(_("parts"), default=0)
    amount = models.BigIntegerField(_("amount"), default=0)
    debt = models.BigIntegerField(_("debt"), default=0)
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
                    Q(kind="grant", parts__gte=0, amount=0, debt=0)
                    | Q(kind="charge", parts__lte=0, amount__lte=0, debt=0)
                    | Q(kind="refund", parts__gte=0, amount__gte=0, debt__lte=0, refunds__isnull=False)
                    | Q(kind="lapse", parts__lte=0, amount=0, debt=0)
                    | Q(kind="adjust") & ~Q(why="")
                    | Q(kind__in=["top_up", "returned", "won"], parts=0, amount__gte=0, debt__lte=0)
                    | Q(kind__in=["pay_back", "dispute"], parts=0, amount__lte=0, debt__gte=0)
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.parts} {self.amount}"


class TopUp(models.Model):
    """One payment by card: written before the user leaves for Stripe, credited once when Stripe says that it is paid.

    `id` is our reference at Stripe and the key under which Stripe makes no second payment page. `refunded` is what
    went back to the card. `doubt` says why a payment that Stripe tells of was not credited: a person must look.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Not paid yet")
        PAID = "paid", _("Paid")
        EXPIRED = "expired", _("Not paid")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="top_ups", verbose_name=_("account"), db_index=False
    )
    amount = models.BigIntegerField(_("amount"))
    currency = models.CharField(max_length=3)
    livemode = models.BooleanField()
    vat_rate = models.PositiveIntegerField(_("VAT, in 1/100 of a percent"))
    back_to = models.CharField(max_length=200, blank=True)
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.OPEN)
    session = models.CharField(max_length=255, null=True, unique=True)  # unique where there is one
    payment = models.CharField(max_length=255, null=True, unique=True)
    refunded = models.BigIntegerField(_("paid back"), default=0)
    doubt = models.CharField(_("doubt"), max_length=40, blank=True)
    created_at = models.DateTimeField(_("begun at"))
    expires_at = models.DateTimeField()
    asked_at = models.DateTimeField(null=True)
    paid_at = models.DateTimeField(_("paid at"), null=True)
    mail_from_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("top-up")
        verbose_name_plural = _("top-ups")
        indexes = [
            models.Index(name="top_up_of_account", fields=["account", "-created_at"]),
            models.Index(name="top_up_to_ask", fields=["created_at"], condition=Q(state="open")),
            models.Index(name="top_up_to_mail", fields=["mail_from_at"], condition=Q(mail_from_at__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(name="top_up_of_something", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="top_up_refunded_within_payment", condition=Q(refunded__gte=0, refunded__lte=F("amount"))
            ),
            models.CheckConstraint(
                name="top_up_paid_has_its_payment",
                condition=Q(state="paid", paid_at__isnull=False, payment__isnull=False)
                | Q(~Q(state="paid"), paid_at__isnull=True, refunded=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"


class Reversal(models.Model):
    """Money that Stripe takes back of a payment: a refund or a dispute, as Stripe last told of it.

    Matched by `payment`, because it may be told before the payment itself. `rank` orders what Stripe may say of it,
    so that a word which comes late changes nothing. `booked` is whether the account's books hold it as taken.
    """

    class Kind(models.TextChoices):
        REFUND = "refund", _("Refund")
        DISPUTE = "dispute", _("Dispute")

    class Standing(models.TextChoices):
        NOTED = "noted", _("Asked about, nothing taken")
        TAKEN = "taken", _("Taken back")
        UNDONE = "undone", _("Given back")

    reference = models.CharField(max_length=255, unique=True)
    kind = models.CharField(_("kind"), max_length=7, choices=Kind.choices)
    payment = models.CharField(max_length=255, db_index=True)
    amount = models.BigIntegerField(_("amount"))
    standing = models.CharField(_("state"), max_length=6, choices=Standing.choices)
    rank = models.PositiveSmallIntegerField()
    booked = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at", "reference"]
        verbose_name = _("reversal")
        verbose_name_plural = _("reversals")
        constraints = [models.CheckConstraint(name="reversal_of_something", condition=Q(amount__gt=0))]

    def __str__(self) -> str:
        return self.reference


class RefundOrder(models.Model):
    """A refund that staff decided: written with their act, then asked of Stripe under `id` until it answers.

    `reference` is Stripe's refund once it exists; `refused` is Stripe's code where it will not.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    top_up = models.ForeignKey(TopUp, on_delete=models.PROTECT, related_name="refund_orders")
    amount = models.BigIntegerField(_("amount"))
    why = models.CharField(_("reason"), max_length=200)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    created_at = models.DateTimeField(_("created at"))
    asked_at = models.DateTimeField(null=True)
    reference = models.CharField(max_length=255, blank=True)
    refused = models.CharField(_("refused"), max_length=100, blank=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        constraints = [
            models.CheckConstraint(name="refund_order_of_something", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="refund_order_has_a_reason", condition=~Q(why="")),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"
