"""An import on its way: the pieces of its file, and what each row of it says and becomes."""

from django.db import models
from django.db.models import Q

from contacts.models.books import Contact, ImportBatch


class ImportPart(models.Model):
    """A piece of an uploaded file, kept until it is read: workers may run on another machine than the pages."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="parts", db_index=False)
    position = models.PositiveSmallIntegerField()
    content = models.BinaryField()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(name="one_part_at_a_position", fields=["batch", "position"])]

    def __str__(self) -> str:
        return f"{self.pk}"


class ImportRow(models.Model):
    """One row of a file: what it says, and what it becomes. Emptied as soon as it is filed.

    `twin` is the contact that is there already, `twin_row` an earlier row of the file about the same person.
    `added` says what a merge changed on the twin, so that it can be undone: ids of numbers and of e-mail addresses,
    and for each field what stood there before and after.
    """

    class Verdict(models.TextChoices):
        NEW = "new"
        TWIN = "twin"
        TWIN_ROW = "twin_row"
        REFUSED = "refused"

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="rows", db_index=False)
    row = models.PositiveIntegerField()
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    said = models.JSONField(default=dict)
    remarks = models.JSONField(default=list)
    fault = models.CharField(max_length=24, blank=True)
    twin = models.ForeignKey(Contact, on_delete=models.CASCADE, null=True, related_name="+")
    twin_row = models.PositiveIntegerField(null=True)
    added = models.JSONField(null=True)

    class Meta:
        ordering = ["row"]
        constraints = [
            models.UniqueConstraint(name="one_import_row_of_a_number", fields=["batch", "row"]),
            models.CheckConstraint(
                name="import_verdict_says_which",
                condition=Q(verdict="new", fault="", twin_row=None)
                | Q(verdict="twin", fault="", twin_row=None)
                | Q(verdict="twin_row", fault="", twin_row__isnull=False)
                | Q(verdict="refused", twin_row=None) & ~Q(fault=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"
