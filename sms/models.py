"""Messages, their deliveries, and the gateways' slots. States change only through `queue_sql` and `submission`."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from credit.models import Entry

REFUNDED = ("refused", "cancelled", "expired", "unconfirmed")
FINAL = ("sent", *REFUNDED)


class Message(models.Model):
    """What a person (or the office for a person) writes: one text to one or many numbers, paid once."""

    class State(models.TextChoices):
        PLANNED = "planned", _("planned")
        ACCEPTED = "accepted", _("accepted")
        NOT_ACCEPTED = "not_accepted", _("not sent")
        CANCELLED = "cancelled", _("cancelled")

    class Occasion(models.TextChoices):
        FORM = "form", _("SMS form")
        API = "api", _("API")
        REMINDER = "reminder", _("reminder")
        DIGEST = "digest", _("agenda by SMS")
        ALERT = "alert", _("alert")
        LETTER = "letter", _("letter")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="messages", db_index=False
    )
    state = models.CharField(max_length=12, choices=State.choices)
    text = models.TextField()
    encoding = models.CharField(max_length=4)
    parts_each = models.PositiveSmallIntegerField()
    recipients = models.PositiveIntegerField()
    price = models.PositiveBigIntegerField()
    from_allowance = models.PositiveIntegerField(
        default=0, help_text="Parts paid from the allowance, first positions first."
    )
    charge = models.OneToOneField(Entry, on_delete=models.PROTECT, null=True, related_name="+")
    occasion = models.CharField(max_length=10, choices=Occasion.choices)
    occasion_reference = models.CharField(max_length=64, blank=True)
    request_key = models.CharField(max_length=64)
    request_digest = models.CharField(max_length=64)
    gateway = models.CharField(
        max_length=32,
        blank=True,
        default="",
        db_default="",
        help_text="The one gateway that may have it, as for a test; empty: by its routes.",
    )
    created_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    release_at = models.DateTimeField(null=True)
    planned_to = models.JSONField(
        null=True, help_text="[[number, name], …] of a planned message, until it is accepted."
    )
    valid_until = models.DateTimeField()
    why_not = models.CharField(max_length=40, blank=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(name="one_message_per_user_and_request", fields=["user", "request_key"]),
            models.CheckConstraint(
                name="accepted_means_charged",
                condition=Q(state="accepted", charge__isnull=False, accepted_at__isnull=False)
                | Q(state__in=["planned", "not_accepted", "cancelled"], charge__isnull=True, accepted_at__isnull=True),
            ),
            models.CheckConstraint(
                name="allowance_share_within_cost", condition=Q(from_allowance__lte=F("parts_each") * F("recipients"))
            ),
            models.CheckConstraint(name="message_has_parts", condition=Q(parts_each__gte=1, parts_each__lte=10)),
            models.CheckConstraint(
                name="planned_has_a_moment", condition=~Q(state="planned") | Q(release_at__isnull=False)
            ),
        ]
        indexes = [
            models.Index(name="message_of_user", fields=["user", "-created_at", "-id"]),
            models.Index(name="message_to_release", fields=["release_at"], condition=Q(state="planned")),
        ]

    def __str__(self) -> str:
        return f"{self.id}"

    @property
    def parts(self) -> int:
        """Parts that the whole message costs."""
        return self.parts_each * self.recipients

    @property
    def from_balance(self) -> int:
        """What was paid from the balance, in units of 1/10,000 of the currency."""
        return (self.parts - self.from_allowance) * self.price


class Delivery(models.Model):
    """One message to one number: the row that is queued, handed over and followed.

    What it cost follows from its `position`: the allowance pays the first positions, the balance the rest.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting")
        SENDING = "sending", _("being handed over")
        RELAYED = "relayed", _("with our relay")
        SENT = "sent", _("left our system")
        UNKNOWN = "unknown", _("unknown")
        UNCONFIRMED = "unconfirmed", _("not confirmed")
        REFUSED = "refused", _("refused")
        CANCELLED = "cancelled", _("cancelled")
        EXPIRED = "expired", _("too late")

    class Receipt(models.IntegerChoices):
        NONE = 0, _("no receipt")
        BUFFERED = 1, _("waiting at the operator")
        UNDELIVERED = 2, _("not received")
        DELIVERED = 3, _("received")

    # its index would be the beginning of that of one_delivery_per_position
    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    position = models.PositiveIntegerField()
    number = models.CharField(max_length=16)
    name = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    state_at = models.DateTimeField()
    gateway = models.CharField(max_length=32)
    lane = models.PositiveSmallIntegerField()
    turn_at = models.DateTimeField()
    not_before = models.DateTimeField()
    valid_until = models.DateTimeField()
    claim = models.BigIntegerField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    handed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    reference = models.CharField(max_length=100, blank=True)
    reason = models.CharField(max_length=40, blank=True)
    receipt = models.PositiveSmallIntegerField(choices=Receipt.choices, default=Receipt.NONE)
    receipt_at = models.DateTimeField(null=True)
    refund = models.ForeignKey(Entry, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        ordering = ["message", "position"]
        constraints = [
            models.UniqueConstraint(name="one_delivery_per_position", fields=["message", "position"]),
            models.CheckConstraint(name="delivery_number_is_e164", condition=Q(number__regex=r"^\+[1-9][0-9]{6,14}$")),
            models.CheckConstraint(
                name="delivery_state_is_known",
                condition=Q(state__in=["queued", "sending", "relayed", "unknown", *FINAL]),
            ),
            models.CheckConstraint(
                name="refunded_exactly_in_the_refunded_ends",
                condition=Q(state__in=REFUNDED, refund__isnull=False) | ~Q(state__in=REFUNDED) & Q(refund__isnull=True),
            ),
            models.CheckConstraint(
                name="sent_has_its_moment",
                condition=Q(state="sent", sent_at__isnull=False) | ~Q(state="sent") & Q(sent_at__isnull=True),
            ),
            models.CheckConstraint(name="at_most_five_attempts", condition=Q(attempt__lte=5)),
        ]
        indexes = [
            models.Index(name="delivery_queue", fields=["gateway", "lane", "turn_at"], condition=Q(state="queued")),
            models.Index(name="delivery_to_expire", fields=["valid_until"], condition=Q(state="queued")),
            # not by lease_until: a lease would then write all indexes anew, and at most two windows are under way
            models.Index(name="delivery_under_way", fields=["id"], condition=Q(state="sending")),
            models.Index(
                name="delivery_open", fields=["state", "state_at"], condition=Q(state__in=["relayed", "unknown"])
            ),
            models.Index(name="delivery_by_reference", fields=["gateway", "reference"], condition=~Q(reference="")),
            models.Index(
                name="delivery_of_number", fields=["number", "handed_at"], condition=Q(handed_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"


class KeptReceipt(models.Model):
    """What a gateway said later, as it came: kept until it has met its delivery, a few days at most.

    No foreign key: a receipt may be about a delivery that does not exist, or come before its hand-over is recorded.
    """

    gateway = models.CharField(max_length=32)
    ours = models.BigIntegerField(null=True, help_text="The delivery's id, where the receipt names it.")
    theirs = models.CharField(max_length=100, blank=True, help_text="The gateway's own reference, where it names that.")
    state = models.PositiveSmallIntegerField(choices=Delivery.Receipt.choices, default=Delivery.Receipt.NONE)
    at = models.DateTimeField(null=True)
    left = models.BooleanField()
    refused = models.CharField(max_length=40, blank=True)
    came_at = models.DateTimeField()
    look_at = models.DateTimeField(help_text="When to look for its delivery: at once, then ever more seldom.")

    class Meta:
        indexes = [models.Index(name="receipt_to_look_at", fields=["look_at"])]

    def __str__(self) -> str:
        return f"{self.pk}"


class Slot(models.Model):
    """A gateway's one place at work: who runs it, until when, and whether it is held. Alias "" stands for all.

    The lease keeps a gateway's window and rate in one process, however many workers there are.
    """

    alias = models.CharField(primary_key=True, max_length=32)
    owner = models.BigIntegerField(null=True)
    lease_until = models.DateTimeField(null=True)
    held_at = models.DateTimeField(null=True)
    held_why = models.CharField(max_length=200, blank=True)
    resting_until = models.DateTimeField(
        null=True, help_text="No call before this moment: the gateway could not be reached."
    )
    failures = models.PositiveIntegerField(default=0, help_text="Hand-overs that failed in a row.")
    last_error = models.CharField(max_length=200, blank=True)
    last_error_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.alias


class Continuity(models.Model):
    """Which database this office last worked on, in one row: `continuity` compares it with what it finds."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    identity = models.CharField(max_length=80)
    mark = models.BigIntegerField(default=0)
    synchronous = models.BooleanField(default=False)
    noted_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(name="one_office_in_one_database", condition=Q(id=1))]

    def __str__(self) -> str:
        return f"{self.mark}"


class Draft(models.Model):
    """What a user was writing on the SMS form; one per user."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sms_draft")
    to = models.JSONField(default=list, help_text="What was typed for each recipient, in order.")
    text = models.TextField(blank=True)
    sign = models.BooleanField(default=True)
    request_key = models.CharField(
        max_length=64, blank=True, help_text="The form's one-use token: once it has been sent, this is no draft."
    )
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user}"
