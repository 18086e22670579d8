"""What the office itself keeps: the journal of the demo's handset, tokens for programs and what they use."""

from django.conf import settings
from django.db import models


class HandsetMessage(models.Model):
    """One SMS that reached the demo's handset. Each hand-over is its own row: what came twice stands twice."""

    gateway = models.CharField(max_length=32, help_text="Whose hand-over it was; its receipts go back there.")
    reference = models.CharField(max_length=100)
    number = models.CharField(max_length=16)
    sender = models.CharField(max_length=40, blank=True)
    text = models.TextField()
    parts = models.PositiveSmallIntegerField()
    received_at = models.DateTimeField()
    receipt = models.CharField(max_length=12, blank=True)

    class Meta:
        indexes = [models.Index(name="handset_of_number", fields=["number", "-id"])]

    def __str__(self) -> str:
        return f"phone-{self.pk}"


class Token(models.Model):
    """A key by which a program acts for a user. The key itself is shown once and kept nowhere: only its digest is."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the key, in hexadecimal.")
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, help_text="To within some minutes.")

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


class CallCount(models.Model):
    """How many calls a user made in the minute `minute` (since 1970) that count against a limit; one row for each."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    limit = models.CharField(max_length=20)
    minute = models.BigIntegerField()
    made = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(name="one_count_per_user_and_limit", fields=["user", "limit"])]

    def __str__(self) -> str:
        return f"{self.limit}: {self.made}"
