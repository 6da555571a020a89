from __future__ import annotations

import agno_memory.derived_fields
import agno_memory.fields
import agno_memory.json_fields
import agno_memory.keys
import agno_memory.operations
import agno_memory.validators
import datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agno_memory", "0006_agent_traces"),
    ]

    operations = [
        agno_memory.operations.CreateCollection(
            name="MemoryRevision",
            fields=[
                (
                    "memory_id",
                    agno_memory.fields.IdentifierField(
                        default=agno_memory.keys.uuid7, max_length=255, verbose_name="memory id"
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
                ("topics", agno_memory.json_fields.TopicsField(blank=True, default=list, verbose_name="topics")),
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
                ("metadata", agno_memory.json_fields.MetadataField(blank=True, default=dict, verbose_name="metadata")),
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
                (
                    "expires_at",
                    agno_memory.fields.ExpiresAtField(
                        help_text="From this time on, the memory is in no list. Empty: it stays.",
                        topics="topics",
                        verbose_name="expires at",
                    ),
                ),
                (
                    "pinned",
                    models.BooleanField(
                        default=False,
                        help_text="Comes first in the context of prompts, with every question.",
                        verbose_name="pinned",
                    ),
                ),
                (
                    "key",
                    agno_memory.fields.IdentifierField(
                        db_column="_id",
                        editable=False,
                        max_length=100,
                        primary_key=True,
                        serialize=False,
                        verbose_name="key",
                    ),
                ),
                ("memory_key", models.CharField(max_length=32, verbose_name="memory key")),
                ("version", models.PositiveIntegerField(verbose_name="version")),
                ("created_at", agno_memory.fields.TimestampField(verbose_name="created at")),
                ("last_updated", agno_memory.fields.TimestampField(verbose_name="last updated")),
                ("valid_until", agno_memory.fields.TimestampField(verbose_name="valid until")),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("replaced", "replaced"),
                            ("deleted", "deleted"),
                            ("restored", "restored"),
                            ("merged", "merged"),
                            ("expired", "expired"),
                            ("reassigned", "reassigned"),
                        ],
                        max_length=20,
                        verbose_name="action",
                    ),
                ),
                ("is_deleted", models.BooleanField(default=False, verbose_name="deleted")),
                ("actor", agno_memory.fields.IdentifierField(blank=True, max_length=255, null=True, verbose_name="by")),
                ("through", models.CharField(blank=True, default="", max_length=50, verbose_name="through")),
                ("reason", models.TextField(blank=True, default="", verbose_name="reason")),
                (
                    "merged_into",
                    agno_memory.fields.IdentifierField(
                        blank=True, max_length=255, null=True, verbose_name="merged into"
                    ),
                ),
                ("restored", agno_memory.json_fields.VerbatimJSONField(blank=True, null=True, verbose_name="restored")),
                (
                    "search_text",
                    agno_memory.derived_fields.FoldedTextField(source="memory", verbose_name="search text"),
                ),
            ],
            options={
                "verbose_name": "earlier version",
                "verbose_name_plural": "earlier versions",
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        fields=["user_id", "memory_key", "last_updated", "version"], name="agno_revision_memory"
                    ),
                    models.Index(fields=["user_id", "valid_until", "last_updated"], name="agno_revision_user_until"),
                    models.Index(fields=["valid_until"], name="agno_revision_until"),
                    models.Index(
                        condition=models.Q(("is_deleted", True)),
                        fields=["user_id", "-valid_until", "-key"],
                        name="agno_revision_user_deleted",
                    ),
                    models.Index(
                        condition=models.Q(("is_deleted", True)),
                        fields=["-valid_until", "-key"],
                        name="agno_revision_deleted",
                    ),
                ],
            },
        ),
        migrations.AlterModelOptions(
            name="usermemory",
            options={
                "permissions": (
                    ("export_usermemory", "Can export user memories"),
                    ("view_deleted", "Can view deleted user memories"),
                ),
                "verbose_name": "user memory",
                "verbose_name_plural": "user memories",
            },
        ),
        agno_memory.operations.AddMissingField(
            model_name="usermemory",
            name="expires_at",
            field=agno_memory.fields.ExpiresAtField(
                help_text="From this time on, the memory is in no list. Empty: it stays.",
                topics="topics",
                verbose_name="expires at",
            ),
        ),
        agno_memory.operations.AddMissingField(
            model_name="usermemory",
            name="pinned",
            field=models.BooleanField(
                default=False,
                help_text="Comes first in the context of prompts, with every question.",
                verbose_name="pinned",
            ),
        ),
        agno_memory.operations.AddMissingField(
            model_name="usermemory",
            name="text_key",
            field=agno_memory.derived_fields.TextKeyField(of=("user_id", "memory"), verbose_name="text key"),
        ),
        agno_memory.operations.AddIndex(
            model_name="usermemory",
            index=models.Index(
                condition=models.Q(("pinned", True)),
                fields=["user_id", "-last_updated", "-memory_id"],
                name="agno_memory_pinned",
            ),
        ),
        agno_memory.operations.AddIndex(
            model_name="usermemory",
            index=models.Index(
                condition=models.Q(("expires_at__gt", datetime.datetime(1, 1, 1, 0, 0, tzinfo=datetime.timezone.utc))),
                fields=["expires_at", "memory_id", "key"],
                name="agno_memory_expires",
            ),
        ),
        agno_memory.operations.AddConstraint(
            model_name="usermemory",
            constraint=models.UniqueConstraint(
                condition=models.Q(("text_key__gt", "")), fields=("user_id", "text_key"), name="agno_memory_unique_text"
            ),
        ),
    ]
