"""A site as ``startproject`` creates it, with the REST API, for ``benchmarks.rest``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from benchmarks.settings import PREPARED
from demo_project.databases import from_url, sqlite

SECRET_KEY = "of a benchmark"
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
ROOT_URLCONF = "benchmarks.rest_site"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "rest_framework",
    "agno_memory",
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
REST_FRAMEWORK = {
    # Authentication belongs to the site and is not measured: here it uses no database on either side.
    "DEFAULT_AUTHENTICATION_CLASSES": ["benchmarks.rest_auth.SignedName"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}

FOLDER = Path(os.environ["BENCHMARK_FOLDER"])
URL = os.environ.get("BENCHMARK_URL", "")


def memories() -> dict[str, Any]:
    """Return the entry for the memories' database; a connection is kept, as README recommends for PostgreSQL."""
    if not URL:
        return sqlite(str(FOLDER / "memories.sqlite3"))
    server = from_url(URL)
    return {**server, "OPTIONS": {**server.get("OPTIONS", {}), **PREPARED}}


DATABASES = {
    "default": {**sqlite(str(FOLDER / "site.sqlite3")), "CONN_MAX_AGE": None},
    "memories": {**memories(), "CONN_MAX_AGE": None},
}
AGNO_MEMORY = {"DATABASE": "memories", "USER_ID_FIELD": "username"}
DATABASE_ROUTERS = ["agno_memory.routers.MemoryRouter"]
