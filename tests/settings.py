from __future__ import annotations

import os
import tempfile
from pathlib import Path

import environ

from tests.servers import wanted_aliases

SECRET_KEY = "for tests"
USE_TZ = True
ROOT_URLCONF = "tests.urls"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "agno_memory",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "tests.uuid_users",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
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
STATIC_URL = "static/"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.BasicAuthentication",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {"SERVE_INCLUDE_SCHEMA": False}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# One folder for the SQLite files of a run; threads and processes cannot share a database in memory.
FOLDER = Path(os.environ.setdefault("TEST_FOLDER", tempfile.mkdtemp(prefix="agno-memory-tests-")))

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": FOLDER / "site.sqlite3",
        "TEST": {"NAME": FOLDER / "test_site.sqlite3"},
        "OPTIONS": {
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF",
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
        },
    },
    "postgres": environ.Env.db_url_config(os.environ.get("TEST_POSTGRES_URL", "postgres://")),
    "mongodb": {
        "ENGINE": "django_mongodb_backend",
        "HOST": os.environ.get("TEST_MONGODB_URL"),
        "NAME": "agno_memory",
    },
    "standalone": {
        "ENGINE": "django_mongodb_backend",
        "HOST": os.environ.get("TEST_MONGODB_STANDALONE_URL"),
        "NAME": "agno_memory",
    },
}
DATABASES = {alias: DATABASES[alias] for alias in wanted_aliases()}
DATABASE_ROUTERS = ["tests.routers.EveryDatabase"]
