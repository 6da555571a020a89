from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("agno_memory", "0002_search_terms")]

    operations = [
        migrations.AlterModelOptions(
            name="usermemory",
            options={
                "permissions": (("export_usermemory", "Can export user memories"),),
                "verbose_name": "user memory",
                "verbose_name_plural": "user memories",
            },
        ),
    ]
