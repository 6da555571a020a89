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
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "agno_memory",
]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# One folder for the SQLite files of a run; threads and processes cannot share a database in memory.
FOLDER = Path(os.environ.setdefault("TEST_FOLDER", tempfile.mkdtemp(prefix="agno-memory-tests-")))

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": FOLDER / "site.sqlite3",
        "TEST": {"NAME": FOLDER / "test_site.sqlite3"},
        "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL", "transaction_mode": "IMMEDIATE", "timeout": 30},
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
