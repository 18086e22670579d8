"""What every view of the SMS pages needs of a request, and how it answers: as all pages do."""

from contacts.answers import go_to, signed_in, wants_fragment

__all__ = ["go_to", "signed_in", "wants_fragment"]
