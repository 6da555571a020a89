from __future__ import annotations

import agno_memory.fields
import agno_memory.operations
import agno_memory.keys
import agno_memory.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="UserMemory",
            fields=[
                (
                    "memory_id",
                    agno_memory.fields.IdentifierField(
                        default=agno_memory.keys.uuid7,
                        max_length=255,
                        primary_key=True,
                        serialize=False,
                        verbose_name="memory id",
                    ),
                ),
                (
                    "user_id",
                    agno_memory.fields.IdentifierField(
                        help_text="The person that this memory is about.", max_length=255, verbose_name="user id"
                    ),
                ),
                (
                    "memory",
                    models.TextField(validators=[agno_memory.validators.validate_memory], verbose_name="memory"),
                ),
                ("topics", agno_memory.fields.TopicsField(blank=True, default=list, verbose_name="topics")),
                (
                    "input",
                    models.TextField(
                        blank=True,
                        help_text="The message that this memory came from.",
                        null=True,
                        validators=[agno_memory.validators.validate_input],
                        verbose_name="input",
                    ),
                ),
                ("metadata", agno_memory.fields.MetadataField(blank=True, default=dict, verbose_name="metadata")),
                (
                    "agent_id",
                    agno_memory.fields.IdentifierField(blank=True, max_length=255, null=True, verbose_name="agent id"),
                ),
                (
                    "team_id",
                    agno_memory.fields.IdentifierField(blank=True, max_length=255, null=True, verbose_name="team id"),
                ),
                (
                    "session_id",
                    agno_memory.fields.IdentifierField(
                        blank=True, max_length=255, null=True, verbose_name="session id"
                    ),
                ),
                (
                    "feedback",
                    models.TextField(
                        blank=True,
                        null=True,
                        validators=[agno_memory.validators.validate_input],
                        verbose_name="feedback",
                    ),
                ),
                ("version", agno_memory.fields.VersionField(default=1, editable=False, verbose_name="version")),
                ("created_at", agno_memory.fields.CreatedAtField(editable=False, verbose_name="created at")),
                (
                    "last_updated",
                    agno_memory.fields.LastUpdatedField(
                        created="created_at", editable=False, verbose_name="last updated"
                    ),
                ),
                ("search_text", agno_memory.fields.FoldedTextField(source="memory", verbose_name="search text")),
            ],
            options={
                "verbose_name": "user memory",
                "verbose_name_plural": "user memories",
                "indexes": [
                    models.Index(fields=["user_id", "-last_updated", "-memory_id"], name="agno_memory_user_newest"),
                    models.Index(fields=["-last_updated", "-memory_id"], name="agno_memory_newest"),
                ],
            },
        ),
        agno_memory.operations.CreateTopicsIndex("usermemory"),
    ]
