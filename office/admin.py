"""Where Django looks for the administration of this app: what looks over all floors."""

from office import lifeline, staff_people

__all__ = ["lifeline", "staff_people"]
