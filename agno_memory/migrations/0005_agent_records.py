from __future__ import annotations

import agno_memory.derived_fields
import agno_memory.fields
import agno_memory.json_fields
import agno_memory.keys
import agno_memory.operations
import agno_memory.times
import agno_memory.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agno_memory", "0004_vectors"),
    ]

    operations = [
        agno_memory.operations.CreateCollection(
            name="AgentRecord",
            fields=[
                (
                    "key",
                    agno_memory.fields.CompositeKeyField(of=("kind", "record_id"), serialize=False, verbose_name="key"),
                ),
                ("kind", models.CharField(max_length=40, verbose_name="kind")),
                (
                    "record_id",
                    agno_memory.fields.IdentifierField(
                        default=agno_memory.keys.uuid7, max_length=255, verbose_name="record id"
                    ),
                ),
                (
                    "user_id",
                    agno_memory.fields.IdentifierField(
                        blank=True,
                        help_text="The owner; a record without one belongs to all users.",
                        max_length=255,
                        null=True,
                        verbose_name="user id",
                    ),
                ),
                (
                    "name",
                    models.TextField(
                        blank=True,
                        default="",
                        validators=[agno_memory.validators.validate_characters],
                        verbose_name="name",
                    ),
                ),
                (
                    "record_type",
                    agno_memory.fields.IdentifierField(blank=True, max_length=255, null=True, verbose_name="type"),
                ),
                (
                    "status",
                    agno_memory.fields.IdentifierField(blank=True, max_length=255, null=True, verbose_name="status"),
                ),
                (
                    "parent_id",
                    agno_memory.fields.IdentifierField(blank=True, max_length=255, null=True, verbose_name="parent id"),
                ),
                (
                    "reference_id",
                    agno_memory.fields.IdentifierField(
                        blank=True, max_length=255, null=True, verbose_name="reference id"
                    ),
                ),
                (
                    "reference_type",
                    agno_memory.fields.IdentifierField(
                        blank=True, max_length=255, null=True, verbose_name="reference type"
                    ),
                ),
                (
                    "namespace",
                    agno_memory.fields.IdentifierField(blank=True, max_length=255, null=True, verbose_name="namespace"),
                ),
                (
                    "agent_id",
                    agno_memory.fields.IdentifierField(blank=True, max_length=255, null=True, verbose_name="agent id"),
                ),
                (
                    "team_id",
                    agno_memory.fields.IdentifierField(blank=True, max_length=255, null=True, verbose_name="team id"),
                ),
                (
                    "workflow_id",
                    agno_memory.fields.IdentifierField(
                        blank=True, max_length=255, null=True, verbose_name="workflow id"
                    ),
                ),
                (
                    "session_id",
                    agno_memory.fields.IdentifierField(
                        blank=True, max_length=255, null=True, verbose_name="session id"
                    ),
                ),
                (
                    "run_id",
                    agno_memory.fields.IdentifierField(blank=True, max_length=255, null=True, verbose_name="run id"),
                ),
                ("sort_number", models.BigIntegerField(blank=True, null=True, verbose_name="number")),
                ("due_at", agno_memory.fields.TimestampField(blank=True, null=True, verbose_name="due at")),  # type: ignore[misc]
                (
                    "claimed_by",
                    agno_memory.fields.IdentifierField(
                        blank=True, max_length=255, null=True, verbose_name="claimed by"
                    ),
                ),
                ("claimed_at", agno_memory.fields.TimestampField(blank=True, null=True, verbose_name="claimed at")),  # type: ignore[misc]
                ("data", agno_memory.json_fields.VerbatimJSONField(blank=True, default=dict, verbose_name="data")),
                ("version", agno_memory.fields.VersionField(default=1, editable=False, verbose_name="version")),
                (
                    "created_at",
                    agno_memory.fields.TimestampField(
                        default=agno_memory.times.now, editable=False, verbose_name="created at"
                    ),
                ),
                (
                    "updated_at",
                    agno_memory.fields.TimestampField(
                        default=agno_memory.times.now, editable=False, verbose_name="last updated"
                    ),
                ),
                (
                    "search_text",
                    agno_memory.derived_fields.FoldedTextField(source="content_text", verbose_name="search text"),
                ),
            ],
            options={
                "verbose_name": "agent record",
                "verbose_name_plural": "agent records",
                "indexes": [
                    models.Index(fields=["user_id", "kind", "-updated_at", "-key"], name="agno_record_user_updated"),
                    models.Index(fields=["user_id", "kind", "-created_at", "-key"], name="agno_record_user_created"),
                    models.Index(fields=["kind", "-updated_at", "-key"], name="agno_record_updated"),
                    models.Index(fields=["kind", "-created_at", "-key"], name="agno_record_created"),
                    models.Index(fields=["kind", "parent_id", "sort_number", "key"], name="agno_record_parent"),
                    models.Index(fields=["kind", "reference_id"], name="agno_record_reference"),
                    models.Index(fields=["kind", "status", "due_at", "key"], name="agno_record_due"),
                    models.Index(fields=["kind", "session_id"], name="agno_record_session"),
                    models.Index(fields=["kind", "run_id"], name="agno_record_run"),
                ],
            },
        ),
    ]
