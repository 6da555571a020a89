"""Settings of the demo. The environment or ``.env`` overrides some of them (see .env.example)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import environ

from agno_memory import __version__
from demo_project import databases

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")

SECRET_KEY = env.str("SECRET_KEY", default="insecure-key-of-the-demo-never-use-it-elsewhere")
DEBUG = env.bool("DEBUG", default=True)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])

# Databases. Without MEMORY_DATABASE_URL the memories are in the database of the site.

DATABASE_URL = env.str("DATABASE_URL", default="")
MEMORY_DATABASE_URL = env.str("MEMORY_DATABASE_URL", default="")

DATABASES: dict[str, dict[str, Any]] = {
    "default": databases.from_url(DATABASE_URL) if DATABASE_URL else databases.sqlite(str(BASE_DIR / "demo.sqlite3")),
}
DATABASE_ROUTERS: list[str] = []
AGNO_MEMORY: dict[str, Any] = {
    # A primary key is not this text, so no user can own the memories that are added without a user.
    "DEFAULT_USER_ID": "<nobody>",
    "REST_THROTTLE_RATES": {"read": "600/min", "write": "120/min", "erase": "10/hour", "export": "30/hour"},
}

if MEMORY_DATABASE_URL:
    DATABASES["memories"] = databases.from_url(MEMORY_DATABASE_URL)
    AGNO_MEMORY["DATABASE"] = "memories"
    DATABASE_ROUTERS = ["agno_memory.routers.MemoryRouter", "demo_project.routers.SiteRouter"]

# A small Django site.

INSTALLED_APPS = [
    "demo_project",
    "agno_memory",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "rest_framework.authtoken",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
ROOT_URLCONF = "demo_project.urls"
WSGI_APPLICATION = "demo_project.wsgi.application"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "agno_memory",
    "DESCRIPTION": "What an application or its AI agents have learnt about people.",
    "VERSION": __version__,
    "LICENSE": {"name": "BSD-3-Clause"},
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    # The sidecar serves Swagger UI and ReDoc, so they need no network; the online validator is off.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None, "defaultModelsExpandDepth": 0},
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "memories"
LOGOUT_REDIRECT_URL = "login"
STATIC_URL = "static/"
TIME_ZONE = "UTC"
USE_TZ = True
