"""Two tenants, each with a schema: run it with the URL of a PostgreSQL server."""

from __future__ import annotations

import json
import os
import sys

import django
import environ
import psycopg
from django.conf import settings

NAME = f"agno_memory_tenants_{os.getpid()}"
TENANT_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.admin",
    "django.contrib.sessions",
    "django.contrib.messages",
    "agno_memory",
]


def configure(url: str) -> None:
    database = environ.Env.db_url_config(url) | {"ENGINE": "django_tenants.postgresql_backend", "NAME": NAME}
    settings.configure(
        SECRET_KEY="for tests",
        DATABASES={"default": database},
        DATABASE_ROUTERS=["django_tenants.routers.TenantSyncRouter"],
        SHARED_APPS=["django_tenants", "tests.tenants"],
        TENANT_APPS=TENANT_APPS,
        INSTALLED_APPS=["django_tenants", "tests.tenants", *TENANT_APPS],
        TENANT_MODEL="tenants.Shop",
        TENANT_DOMAIN_MODEL="tenants.Domain",
        MIDDLEWARE=[
            "django_tenants.middleware.main.TenantMainMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
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
        ],
        ROOT_URLCONF="tests.urls",
        STATIC_URL="static/",
        ALLOWED_HOSTS=["*"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    )
    django.setup()


def pages() -> dict[str, str]:
    """Return the pages of both tenants' admins."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client
    from django_tenants.utils import tenant_context

    from agno_memory.memory import Memory
    from agno_memory.models import UserMemory
    from tests.tenants.models import Domain, Shop

    call_command("migrate_schemas", shared=True, run_syncdb=True, verbosity=0)
    shown: dict[str, str] = {}
    shops = [Shop.objects.create(schema_name=name) for name in ("north", "south")]
    for shop in shops:
        Domain.objects.create(domain=f"{shop.schema_name}.test", tenant=shop, is_primary=True)
        with tenant_context(shop):
            memory = UserMemory(memory="x", topics=[f"topic-{shop.schema_name}"])
            Memory().add_user_memory(memory, f"{shop.schema_name}@example.com")
            user = User.objects.create_superuser("staff", password="password")
            client = Client(headers={"host": f"{shop.schema_name}.test"})
            client.force_login(user)
        for page in ("dashboard/", "", "complete/topics/?q=topic"):
            response = client.get(f"/admin/agno_memory/usermemory/{page}")
            assert response.status_code == 200, response
            shown[f"{shop.schema_name} {page}"] = response.content.decode()
    return shown


def main(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {NAME}")
        try:
            configure(url)
            sys.stdout.write(f"\n{json.dumps(pages())}\n")
        finally:
            if settings.configured:
                from django.db import connection

                connection.close()
            server.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


if __name__ == "__main__":
    main(sys.argv[1])
