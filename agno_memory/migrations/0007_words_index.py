from __future__ import annotations

import agno_memory.operations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("agno_memory", "0006_agent_traces")]

    operations = [
        agno_memory.operations.CreateWordsIndex("usermemory"),
    ]
