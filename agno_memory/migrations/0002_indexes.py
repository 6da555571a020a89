from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agno_memory", "0001_initial"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="usermemory",
            index=models.Index(fields=["user_id", "created_at", "memory_id"], name="agno_memory_user_created"),
        ),
        migrations.AddIndex(
            model_name="usermemory",
            index=models.Index(fields=["created_at", "memory_id"], name="agno_memory_created"),
        ),
    ]
