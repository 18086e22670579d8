"""People, and what stands in their address books."""

from contacts.models.books import (
    TYPED_LENGTH,
    Book,
    Contact,
    ContactEmail,
    ContactList,
    ContactNumber,
    EmailKind,
    ImportBatch,
    Invitation,
    ListMember,
    NumberKind,
    RepairBatch,
    RepairedNumber,
)
from contacts.models.imports import ImportPart, ImportRow
from contacts.models.people import SIGNATURE_LENGTH, Group, Membership, Notice, StaffAct, User

__all__ = [
    "SIGNATURE_LENGTH",
    "TYPED_LENGTH",
    "Book",
    "Contact",
    "ContactEmail",
    "ContactList",
    "ContactNumber",
    "EmailKind",
    "Group",
    "ImportBatch",
    "ImportPart",
    "ImportRow",
    "Invitation",
    "ListMember",
    "Membership",
    "Notice",
    "NumberKind",
    "RepairBatch",
    "RepairedNumber",
    "StaffAct",
    "User",
]
