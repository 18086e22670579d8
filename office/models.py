"""What the office itself keeps: the journal of the demo's handset."""

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
