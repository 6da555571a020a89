from __future__ import annotations

import agno_memory.derived_fields
import agno_memory.fields
import agno_memory.json_fields
import agno_memory.keys
import agno_memory.operations
import agno_memory.times
import agno_memory.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        agno_memory.operations.CreateCollection(
            name="AgentSession",
            fields=[
                (
                    "session_id",
                    agno_memory.fields.IdentifierField(
                        default=agno_memory.keys.uuid7,
                        max_length=255,
                        primary_key=True,
                        serialize=False,
                        verbose_name="session id",
                    ),
                ),
                (
                    "session_type",
                    models.CharField(
                        choices=[("agent", "agent"), ("team", "team"), ("workflow", "workflow")],
                        default="agent",
                        max_length=20,
                        verbose_name="type",
                    ),
                ),
                (
                    "user_id",
                    agno_memory.fields.IdentifierField(
                        blank=True,
                        help_text="The person in this session; empty without a user.",
                        max_length=255,
                        null=True,
                        verbose_name="user id",
                    ),
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
                    "name",
                    models.TextField(
                        blank=True, default="", validators=[agno_memory.validators.validate_query], verbose_name="name"
                    ),
                ),
                (
                    "session_data",
                    agno_memory.json_fields.VerbatimJSONField(blank=True, null=True, verbose_name="session data"),
                ),
                (
                    "agent_data",
                    agno_memory.json_fields.VerbatimJSONField(blank=True, null=True, verbose_name="agent data"),
                ),
                (
                    "team_data",
                    agno_memory.json_fields.VerbatimJSONField(blank=True, null=True, verbose_name="team data"),
                ),
                (
                    "workflow_data",
                    agno_memory.json_fields.VerbatimJSONField(blank=True, null=True, verbose_name="workflow data"),
                ),
                ("metadata", agno_memory.json_fields.VerbatimJSONField(blank=True, null=True, verbose_name="metadata")),
                ("summary", agno_memory.json_fields.VerbatimJSONField(blank=True, null=True, verbose_name="summary")),
                (
                    "extra",
                    agno_memory.json_fields.VerbatimJSONField(
                        blank=True,
                        help_text="Further values that some releases of agno store.",
                        null=True,
                        verbose_name="more",
                    ),
                ),
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
                ("search_name", agno_memory.derived_fields.FoldedTextField(source="name", verbose_name="search text")),
            ],
            options={
                "verbose_name": "agent session",
                "verbose_name_plural": "agent sessions",
                "indexes": [
                    models.Index(fields=["user_id", "-updated_at", "-session_id"], name="agno_session_user_updated"),
                    models.Index(fields=["user_id", "-created_at", "-session_id"], name="agno_session_user_created"),
                    models.Index(fields=["-updated_at", "-session_id"], name="agno_session_updated"),
                    models.Index(fields=["-created_at", "-session_id"], name="agno_session_created"),
                    models.Index(fields=["agent_id", "-created_at"], name="agno_session_agent"),
                    models.Index(fields=["team_id", "-created_at"], name="agno_session_team"),
                    models.Index(fields=["workflow_id", "-created_at"], name="agno_session_workflow"),
                ],
            },
        ),
        agno_memory.operations.CreateCollection(
            name="UserMemory",
            fields=[
                (
                    "key",
                    agno_memory.fields.CompositeKeyField(
                        of=("user_id", "memory_id"), serialize=False, verbose_name="key"
                    ),
                ),
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
                ("version", agno_memory.fields.VersionField(default=1, editable=False, verbose_name="version")),
                (
                    "last_updated",
                    agno_memory.fields.LastUpdatedField(
                        created="created_at", editable=False, verbose_name="last updated"
                    ),
                ),
                ("created_at", agno_memory.fields.CreatedAtField(editable=False, verbose_name="created at")),
                (
                    "search_text",
                    agno_memory.derived_fields.FoldedTextField(source="memory", verbose_name="search text"),
                ),
            ],
            options={
                "verbose_name": "user memory",
                "verbose_name_plural": "user memories",
                "indexes": [
                    models.Index(fields=["user_id", "-last_updated", "-memory_id"], name="agno_memory_user_newest"),
                    models.Index(fields=["user_id", "created_at", "memory_id"], name="agno_memory_user_created"),
                    models.Index(fields=["-last_updated", "-memory_id", "-key"], name="agno_memory_newest"),
                    models.Index(fields=["created_at", "memory_id", "key"], name="agno_memory_created"),
                    models.Index(fields=["memory_id"], name="agno_memory_memory_id"),
                ],
            },
        ),
        agno_memory.operations.CreateCollection(
            name="AgentRun",
            fields=[
                (
                    "key",
                    agno_memory.fields.CompositeKeyField(
                        of=("session_id", "run_id"), serialize=False, verbose_name="key"
                    ),
                ),
                ("run_id", agno_memory.fields.IdentifierField(max_length=255, verbose_name="run id")),
                ("run_index", models.PositiveIntegerField(verbose_name="position")),
                (
                    "run_type",
                    models.CharField(
                        choices=[("agent", "agent"), ("team", "team"), ("workflow", "workflow")],
                        max_length=20,
                        verbose_name="type",
                    ),
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
                    "parent_run_id",
                    agno_memory.fields.IdentifierField(
                        blank=True, max_length=255, null=True, verbose_name="parent run id"
                    ),
                ),
                ("status", models.CharField(blank=True, max_length=40, null=True, verbose_name="status")),
                ("data", agno_memory.json_fields.VerbatimJSONField(verbose_name="data")),
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
                    "session",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="runs",
                        to="agno_memory.agentsession",
                        verbose_name="session",
                    ),
                ),
            ],
            options={
                "verbose_name": "agent run",
                "verbose_name_plural": "agent runs",
                "indexes": [
                    models.Index(fields=["session", "run_index", "key"], name="agno_run_position"),
                    models.Index(fields=["run_id"], name="agno_run_run_id"),
                ],
            },
        ),
        agno_memory.operations.CreateTopicsIndex("usermemory"),
        agno_memory.operations.CreateKeyIndexes("agentsession"),
    ]
