from __future__ import annotations

import agno_memory.operations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agno_memory", "0008_words_index")]

    operations = [
        agno_memory.operations.AddMissingField(
            model_name="agentrecord",
            name="unique_key",
            field=models.CharField(blank=True, editable=False, max_length=32, null=True, verbose_name="unique key"),
        ),
        agno_memory.operations.AddConstraint(
            model_name="agentrecord",
            constraint=models.UniqueConstraint(
                condition=models.Q(("unique_key__gt", "")), fields=("unique_key",), name="agno_record_unique"
            ),
        ),
    ]
