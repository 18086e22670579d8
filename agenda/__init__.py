"""Appointments, their reminders, and the agenda by SMS.

Decides that an appointment deserves an SMS, words it, and calls `sms.submission`. Calls `sms`, `credit`, `contacts`.
"""
