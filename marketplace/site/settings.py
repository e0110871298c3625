"""The only place that reads the environment; every default is safe for the open net."""

import os
import secrets
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONCE, NONE, SELF
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from marketplace.site import logs

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parents[2]
DATA_DIR = Path(env.str("TESSERA_DATA", default=str(BASE_DIR / ".data")))


def generated_secret(path: Path) -> str:
    """Return the secret kept at ``path``; make one on the first run.

    Written to a temporary name and linked into place, so that two processes starting
    together agree on one secret.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_text(secrets.token_urlsafe(64))
        draft.chmod(0o600)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or generated_secret(
    DATA_DIR / "secret_key"
)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Set where TLS is served; the demo on plain loopback switches it off.
HTTPS = env.bool("HTTPS", default=True)

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "csp",
    "django_htmx",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "accounts",
    "blobs",
    "rewards",
    "compute",
    "labeling",
    "marketplace",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.SecondFactor",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "marketplace.middleware.RefusalPage",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "marketplace.site.urls"
WSGI_APPLICATION = "marketplace.site.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "marketplace.context.standing",
            ]
        },
    }
]

# --- Data -----------------------------------------------------------------------------

DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db(
        "DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'tessera.sqlite3'}"
    )
}
_engine = DATABASES["default"]["ENGINE"]
if _engine == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
            "PRAGMA cache_size=-32000; PRAGMA busy_timeout=30000;"
        ),
    }
    # A file: threads of a test on SQLite in memory would not wait for each other.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "tests.sqlite3")}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("DATABASE_MAX_AGE", default=60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="")
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

STORAGES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(DATA_DIR / "files")},
    },
    "blobs": {
        "BACKEND": "blobs.storage.WholeFiles",
        "OPTIONS": {"location": str(DATA_DIR / "blobs")},
    },
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if not DEBUG
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# --- Celery ---------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# With kombu's defaults a killed worker's task stays invisible for over 100 seconds.
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {
        "visibility_timeout": 120,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        "socket_timeout": 10,
    }
    if REDIS_URL
    else {}
)
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")

# --- People and access ----------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
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
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = env.str("EMAIL_VERIFICATION", default="optional")
ACCOUNT_LOGIN_BY_CODE_ENABLED = False
ACCOUNT_LOGOUT_ON_GET = False
MFA_ADAPTER = "accounts.adapters.SecondFactorAdapter"
MFA_TOTP_ISSUER = "Tessera"
MFA_FORMS = {
    "authenticate": "accounts.forms.CodeForm",
    "reauthenticate": "accounts.forms.CodeAgainForm",
}
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = "/home/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str(
    "DEFAULT_FROM_EMAIL", default="Tessera <noreply@localhost>"
)

# Five wrong passwords for one address from one place, then a quarter of an hour's rest.
AXES_FAILURE_LIMIT = env.int("LOGIN_FAILURE_LIMIT", default=5)
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_CALLABLE = "accounts.authentication.attempted_address"
# One counter of wrong passwords, for the site and the admin alike: axes.
# Codes of the second factor are counted for themselves (accounts.forms).
ACCOUNT_RATE_LIMITS = {"login_failed": None, "second_factor": "5/15m/key"}
AXES_LOCKOUT_TEMPLATE = "account/locked_out.html"
AXES_VERBOSE = False

SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000) if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "EXCLUDE_URL_PREFIXES": ("/admin/",),
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        # Annotorious and progress bars set element styles from script.
        "style-src-attr": ["'unsafe-inline'"],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF, "blob:"],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}

# --- API ------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["accounts.authentication.ApiKeyThrottle"],
    "DEFAULT_THROTTLE_RATES": {
        "api_key": env.str("API_KEY_RATE", default="600/min"),
        "node": env.str("NODE_RATE", default="1200/min"),
    },
    "EXCEPTION_HANDLER": "marketplace.site.api_errors.answer",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tessera API",
    "DESCRIPTION": "Datasets in, trusted labels out. Amounts are strings, in Pi.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
}

# --- Words and files ------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", _("English")),
    ("zh-hans", _("Chinese")),
    ("es", _("Spanish")),
    ("vi", _("Vietnamese")),
    ("ko", _("Korean")),
    ("hi", _("Hindi")),
]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS: list[Any] = [
    BASE_DIR / "static",
    ("annotorious", BASE_DIR / "node_modules/@annotorious/annotorious/dist"),
    ("htmx", BASE_DIR / "node_modules/htmx.org/dist"),
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
INSTALLED_APPS.append("django.forms")
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
DATA_UPLOAD_MAX_NUMBER_FILES = 200

# --- Staff pages ----------------------------------------------------------------------

UNFOLD = {
    "SITE_TITLE": "Tessera",
    "SITE_HEADER": "Tessera",
    "SITE_SUBHEADER": _("staff"),
    "SITE_URL": "/home/",
    "SITE_ICON": lambda _request: static("img/mark.svg"),
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "COLORS": {
        # The deep violet of the site, from ground to ink.
        "primary": {
            "50": "oklch(97% .014 300)",
            "100": "oklch(94% .03 300)",
            "200": "oklch(89% .06 300)",
            "300": "oklch(80% .1 300)",
            "400": "oklch(68% .14 299)",
            "500": "oklch(53% .17 297)",
            "600": "oklch(42% .16 295)",
            "700": "oklch(36% .15 295)",
            "800": "oklch(31% .13 295)",
            "900": "oklch(26% .1 295)",
            "950": "oklch(20% .08 295)",
        },
    },
}

# --- Logs -----------------------------------------------------------------------------

LOGGING = logs.configuration(
    form=env.str("LOG_FORMAT", default="json"),
    level=env.str("LOG_LEVEL", default="INFO"),
)
DJANGO_STRUCTLOG_CELERY_ENABLED = True

# --- Tessera's own dials --------------------------------------------------------------

# The private half of the key that signs models lives here, outside the database.
MODEL_KEY_FILE = Path(
    env.str("MODEL_KEY_FILE", default=str(DATA_DIR / "keys" / "model.ed25519"))
)
FEE_PERMILLE = env.int("FEE_PERMILLE", default=100)  # of each accepted result
ASSIGNMENT_SECONDS = env.int("ASSIGNMENT_SECONDS", default=600)
LEASE_SECONDS = env.int("LEASE_SECONDS", default=60)
AGREEMENT_IOU = env.float("AGREEMENT_IOU", default=0.7)
OPEN_AHEAD = env.int("OPEN_AHEAD", default=500)  # units or tasks open at once a project
POLLS_PER_SECOND = env.float("POLLS_PER_SECOND", default=40.0)
BLOB_URL_SECONDS = env.int("BLOB_URL_SECONDS", default=3600)
UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_BYTES", default=40 * 1024 * 1024)
ARCHIVE_MAX_BYTES = env.int("ARCHIVE_MAX_BYTES", default=1024 * 1024 * 1024)
ARCHIVE_MAX_FILES = env.int("ARCHIVE_MAX_FILES", default=2000)
PICTURE_MAX_PIXELS = env.int("PICTURE_MAX_PIXELS", default=60_000_000)
PICTURE_MAX_SIDE = env.int("PICTURE_MAX_SIDE", default=4096)

# --- Pi going in and out --------------------------------------------------------------

PI_BACKEND = env.str("PI_BACKEND", default="simulated")
# Pi's own script comes from Pi; the simulation's page needs nobody else's.
if PI_BACKEND != "simulated":
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["script-src"].append("https://sdk.minepi.com")
# In a frame of Pi's, cookies reach us only when they may come from another site.
PI_FRAME_ANCESTORS = env.list("PI_FRAME_ANCESTORS", default=[])
if PI_FRAME_ANCESTORS:
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["frame-ancestors"] = PI_FRAME_ANCESTORS
    SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "None"
PI_SANDBOX = env.bool("PI_SANDBOX", default=False)
PI_VALIDATION_KEY = env.str("PI_VALIDATION_KEY", default="")
# Only the simulation is told where it is; Pi's own addresses are in the code.
PI_SIMULATOR_URL = env.str("PI_SIMULATOR_URL", default="http://127.0.0.1:8314")
PI_API_KEY = env.str("PI_API_KEY", default="")
PI_WALLET_ADDRESS = env.str("PI_WALLET_ADDRESS", default="")
PI_INCOMING_ADDRESS = env.str("PI_INCOMING_ADDRESS", default="")
# The key to the outgoing wallet: given to the process that pays, and to no other.
PI_WALLET_SEED = env.str("PI_WALLET_SEED", default="")
PAYOUTS_ENABLED = env.bool("PAYOUTS_ENABLED", default=False)
PAYOUT_MINIMUM_PI = env.str("PAYOUT_MINIMUM_PI", default="1")
PAYOUT_AUTOMATIC_BELOW_PI = env.str("PAYOUT_AUTOMATIC_BELOW_PI", default="10")
PAYOUT_DAILY_BY_LEVEL_PI = env.list(
    "PAYOUT_DAILY_BY_LEVEL_PI", default=["0", "0", "50", "200"]
)
PAYOUT_HOURLY_CAP_PI = env.str("PAYOUT_HOURLY_CAP_PI", default="500")
PAYOUT_DAILY_CAP_PI = env.str("PAYOUT_DAILY_CAP_PI", default="2000")
PAYOUT_WALLET_FLOOR_PI = env.str("PAYOUT_WALLET_FLOOR_PI", default="20")
PAYOUT_APPROVAL_HOURS = env.int("PAYOUT_APPROVAL_HOURS", default=24)
EARNING_HOLD_HOURS = env.int("EARNING_HOLD_HOURS", default=24)
TREASURER_EMAILS = env.list("TREASURER_EMAILS", default=[])
TREASURER_WEBHOOK = env.str("TREASURER_WEBHOOK", default="")
