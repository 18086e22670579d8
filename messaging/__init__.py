"""Mail, letters and alerts.

Decides that a mail deserves an SMS, words it, and calls `sms.submission`. Calls `sms`, `credit`, `contacts`.
"""
