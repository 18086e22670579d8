"""Accepts, pays for, hands over and follows an SMS; knows no reason why it is sent.

Front doors: `submission.submit` and `submit_many` (the only way to send), `quote.quote`, `history`, `dispatch.drain`.
Calls `credit` and `contacts`.
"""
