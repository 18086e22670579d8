"""The office: composes the apps into one product.

Knows every app; nobody imports it. Front doors: `settings`, `celery`, `schedule`, `urls`, and the commands that look
over all floors (`run`, `dispatcher`, `audit`, `hold`, `release`, `user`).
"""
