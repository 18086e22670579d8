"""Gunicorn's settings: `gunicorn --config python:office.serving office.wsgi`.

One process with threads: the office is many short requests, and embedded it has one SQLite file. No access log (it
would hold people's addresses and what they searched for): the office logs its own line per request.
"""

from office import environment

bind = f"127.0.0.1:{environment.number('PORT', 8000, at_least=1)}"  # a container says --bind
worker_class = "gthread"
workers = 1
threads = 8
timeout = 60
graceful_timeout = 8
keepalive = 5
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190
control_socket_disable = True
accesslog = None
loglevel = "error"
