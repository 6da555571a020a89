from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import pre_migrate
from django.utils.translation import gettext_lazy as _


class AgnoMemoryConfig(AppConfig):
    name = "agno_memory"
    verbose_name = _("Memories")

    def ready(self) -> None:
        # Imported for the checks that it registers; here, because it imports the models, which are not loaded earlier.
        from agno_memory import checks, rest_checks, schema  # noqa: F401
        from agno_memory.people import connect_accounts
        from agno_memory.search import checks as search_checks  # noqa: F401

        connect_accounts()
        pre_migrate.connect(schema.prepare_migrations, sender=self)
