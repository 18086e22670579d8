"""The web process (`gunicorn --config python:office.serving office.wsgi`)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "office.settings")
application = get_wsgi_application()

from office import start_up  # noqa: E402 - needs the apps that the line above has loaded

start_up.require_office()
