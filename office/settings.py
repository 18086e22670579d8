"""Settings, read from the environment once. README lists every variable with its default."""

import logging
import os
from pathlib import Path

import django_stubs_ext
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from office import environment, stripe_double

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(environment.text("OFFICE_DATA", str(BASE_DIR / ".data"))).absolute()

django_stubs_ext.monkeypatch()  # Django's generic classes take their type in brackets at run time too
environment.refuse_unknown_sms_variables()

DEMO = environment.flag("DEMO")
DATABASE_URL = environment.text("DATABASE_URL", f"sqlite:///{DATA_DIR / 'office.sqlite3'}")
DATABASE_ALLOW = environment.some_of("DATABASE_ALLOW", environment.DATABASE_DOUBTS)
EMBEDDED = DATABASE_URL.startswith("sqlite:")
REDIS_URL = environment.url("REDIS_URL", "", schemes=("redis", "rediss", "unix"))
SECRET_KEY = environment.secret_key("SECRET_KEY", folder=DATA_DIR, embedded=EMBEDDED)
SECRET_KEY_FALLBACKS = environment.old_secret_keys("SECRET_KEY_FALLBACKS")
PORT = environment.number("PORT", 8000, at_least=1)
BASE_URL = environment.url("BASE_URL", f"http://127.0.0.1:{PORT}", schemes=("http", "https"))
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
SECURE = BASE_URL.startswith("https:")
DEBUG = False

# The office
OFFICE_NAME = environment.text("OFFICE_NAME", "Office")
OFFICE_DOMAIN = environment.text("OFFICE_DOMAIN", "localhost")
TIME_ZONE = environment.time_zone("TIME_ZONE", "Europe/Brussels")
CURRENCY = environment.currency("CURRENCY", "EUR")
SMS_PRICE = environment.money("SMS_PRICE", "0.0950")
SMS_SENDER = environment.text("SMS_SENDER", "+32 460 00 00 00" if DEMO else "")
SMS_DAILY_CAP = environment.number("SMS_DAILY_CAP", 200, at_least=1)
SMS_GATEWAYS = environment.gateways(
    "SMS_GATEWAYS",
    {"phone": {"BACKEND": "sms.gateways.phone.Phone", "OPTIONS": {"url": f"{BASE_URL}/phone/"}}} if DEMO else {},
)
SMS_ROUTES = environment.routes("SMS_ROUTES", aliases=set(SMS_GATEWAYS))
AMERICAN_NOTE = _("Operators in this country often refuse SMS from an office abroad.")
SMS_NOTES = environment.notes("SMS_NOTES", {"US": AMERICAN_NOTE, "CA": AMERICAN_NOTE})

# Top-up by card. The demo pays at a double of Stripe that `make run` starts beside the office (office/stripe_double)
STRIPE_DOUBLE = "" if not DEMO or environment.text("STRIPE_SECRET_KEY") else stripe_double.address(PORT)
STRIPE_API_BASE = environment.url("STRIPE_API_BASE", STRIPE_DOUBLE, schemes=("http", "https"))
STRIPE_SECRET_KEY = environment.stripe_key(
    "STRIPE_SECRET_KEY", own_stripe=bool(STRIPE_API_BASE), demo=DEMO,
    default=stripe_double.secret_key(SECRET_KEY) if STRIPE_DOUBLE else "",
)  # fmt: skip
STRIPE_WEBHOOK_SECRET = environment.text(
    "STRIPE_WEBHOOK_SECRET", stripe_double.webhook_secret(SECRET_KEY) if STRIPE_DOUBLE else ""
)
TOP_UP_AMOUNTS = environment.top_up_amounts("TOP_UP_AMOUNTS", "10,25,50,100")
TOP_UP_LEAST = environment.money("TOP_UP_LEAST", "5")
TOP_UP_MOST = environment.money("TOP_UP_MOST", "500")
VAT_RATE = environment.percent("VAT_RATE", "21")
VAT_NUMBER = environment.text("VAT_NUMBER")
RECEIPT_SELLER = environment.text("RECEIPT_SELLER", OFFICE_NAME)

# Django
INSTALLED_APPS = [
    "office",
    "agenda",
    "messaging",
    "sms",
    "credit",
    "contacts",
    "office.apps.StaffPages",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "office.apps.StaticFiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
    "django_cotton",
    "django_htmx",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "js_lib_bootstrap5",
    "lucide",
    "rest_framework",
]
MIDDLEWARE = [
    "office.request_times.RequestTimes",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "contacts.personal_settings.PersonalSettingsMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "office.signed_out.SignedOut",
    "allauth.account.middleware.AccountMiddleware",
    "office.logs.RequestLog",
]
ROOT_URLCONF = "office.urls"
WSGI_APPLICATION = "office.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "office.shell.shell",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "bootstrap5"
COTTON_DIR = "components"

DATABASES = {"default": environment.database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "office_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"

# People and doors
AUTH_USER_MODEL = "contacts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
CSRF_FAILURE_VIEW = "office.signed_out.csrf_failed"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "contacts.sign_in.SignInAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_NOTIFICATIONS = False
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_FORMS = {
    "login": "contacts.sign_in.SignInForm",
    "reset_password": "contacts.sign_in.AskResetForm",
    "reset_password_from_key": "contacts.sign_in.NewPasswordForm",
}

# The API (office/api.py); each limit holds per user and minute
API_LIMITS = {
    "calls_per_minute": environment.number("API_CALLS_PER_MINUTE", 1200, at_least=1),
    "sends_per_minute": environment.number("API_SENDS_PER_MINUTE", 300, at_least=1),
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["office.tokens.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["office.call_limits.CallLimits"],
    "DEFAULT_PAGINATION_CLASS": "office.api_pages.Pages",
    "DEFAULT_PARSER_CLASSES": ["office.api_bodies.JsonBody"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "office.api_schema.Description",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "office.api_refusals.answer",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "SMS",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "NumberKindEnum": "contacts.models.books.NumberKind.values",
        "EmailKindEnum": "contacts.models.books.EmailKind.values",
        "TopUpStateEnum": ["open", "paid", "expired"],
    },
}

# Security
SECURE_SSL_REDIRECT = SECURE
METRICS_TOKEN = environment.secret("METRICS_TOKEN", at_least=20)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]  # asked from within, where there is no TLS
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [BASE_URL]
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024  # a pasted list of 40,000 names and numbers gets an answer in words
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
FILE_UPLOAD_HANDLERS = [
    "office.upload_size.UploadSize",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    },
}

# Languages and time
USE_I18N = USE_TZ = True
LANGUAGE_CODE = "en"
LANGUAGES = [("nl", "Nederlands"), ("fr", "Français"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "office" / "locale"]
FORMAT_MODULE_PATH = ["office.formats"]

# Files
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "office.static_files.HashedFiles"},
}

# E-mail out
vars().update(environment.email(environment.text("EMAIL_URL", "console://" if DEMO else "smtp://localhost:25")))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = f"office@{OFFICE_DOMAIN}"

# Celery: messages are nudges with at most an alias; the database is the truth
CELERY_BROKER_URL = REDIS_URL or "filesystem://localhost"
CELERY_BROKER_TRANSPORT = None if REDIS_URL else "office.broker_files:Transport"
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"socket_timeout": 5, "socket_connect_timeout": 2, "visibility_timeout": 3600}
    if REDIS_URL
    else {
        # One folder for both directions: what the web process puts out, the worker takes in.
        "data_folder_in": DATA_DIR / "broker",
        "data_folder_out": DATA_DIR / "broker",
        "processed_folder": DATA_DIR / "broker-processed",
        "control_folder": DATA_DIR / "broker-control",
        # Without it a message is moved to the temp folder, which may be another file system: then it is lost.
        "store_processed": True,
        "polling_interval": 0.05,
    }
)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_DEFAULT_QUEUE = "office"
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = len(SMS_GATEWAYS) + 4  # a drain may keep a thread for as long as a list takes
CELERY_WORKER_PREFETCH_MULTIPLIER = 16
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TIMEZONE = "UTC"
# The schedule is code (office/schedule.py): beat keeps it in memory and opens no file.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BEAT_SCHEDULE_FILENAME = os.devnull

# Logs: office/logs.py sets them up; nobody's data, and not a line per tick
LOGGING_CONFIG = None
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_USER_ID_FIELD = None
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_CELERY_DEFAULT_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_CELERY_TASK_RETRY_LOG_LEVEL = logging.DEBUG  # a tick that came too late, not a retry
