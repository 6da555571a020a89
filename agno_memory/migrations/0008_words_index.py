from __future__ import annotations

import agno_memory.operations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("agno_memory", "0007_history")]

    operations = [
        agno_memory.operations.CreateWordsIndex("usermemory"),
    ]
