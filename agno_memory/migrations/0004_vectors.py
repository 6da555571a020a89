from __future__ import annotations

import agno_memory.fields
import agno_memory.operations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agno_memory", "0003_export_permission"),
    ]

    operations = [
        agno_memory.operations.CreateCollection(
            name="MemoryVector",
            fields=[
                (
                    "key",
                    agno_memory.fields.CompositeKeyField(
                        of=("memory_key", "model"), serialize=False, verbose_name="key"
                    ),
                ),
                ("memory_key", models.CharField(max_length=32)),
                ("user_id", agno_memory.fields.IdentifierField(max_length=255)),
                ("model", models.CharField(max_length=255)),
                ("text_hash", models.CharField(max_length=32)),
                ("dims", models.PositiveIntegerField()),
                ("scale", models.FloatField()),
                ("data", models.BinaryField()),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["user_id", "model", "memory_key"], name="agno_vector_user_model"),
                    models.Index(fields=["user_id", "memory_key"], name="agno_vector_user_memory"),
                ],
            },
        ),
    ]
