from __future__ import annotations

import agno_memory.derived_fields
import agno_memory.operations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("agno_memory", "0001_initial")]

    operations = [
        agno_memory.operations.AddMissingField(
            model_name="usermemory",
            name="search_terms",
            field=agno_memory.derived_fields.SearchTermsField(
                text="memory", topics="topics", verbose_name="search terms"
            ),
        ),
    ]
