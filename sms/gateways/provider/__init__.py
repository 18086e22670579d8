"""A provider by HTTP without code: one adapter that is told in OPTIONS what its provider's words are.

README "A provider without code" describes the options; `dialects/` holds ready ones, a file each.
"""

from sms.gateways.provider.adapter import Provider

__all__ = ["Provider"]
