"""People and their numbers: the user as a personal record, groups with members, notices to a user.

Front doors: `phone_numbers.read` (a number as a value), `notices.tell` (what the office has to say to a user).
Ground floor: calls no other app.
"""
