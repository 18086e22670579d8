#!/usr/bin/env python
"""Django's command line for this office."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "office.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as bad_setting:
        sys.stderr.write(f"{bad_setting}\n")
        sys.exit(2)
