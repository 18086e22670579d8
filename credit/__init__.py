"""What an SMS is paid from: plans, accounts, the month's allowance and the balance, and their append-only entries.

Front doors: `charging.charge`, `charging.refund`, `charging.adjust`, `allowance.standing`, `books.check`.
Calls `contacts` only, and never learns what an SMS is.
"""
