from __future__ import annotations

import agno_memory.exact_times
import agno_memory.fields
import agno_memory.json_fields
import agno_memory.operations
import agno_memory.times
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agno_memory", "0005_agent_records"),
    ]

    operations = [
        agno_memory.operations.CreateCollection(
            name="AgentMetric",
            fields=[
                (
                    "key",
                    agno_memory.fields.CompositeKeyField(of=("user_id", "day"), serialize=False, verbose_name="key"),
                ),
                (
                    "user_id",
                    agno_memory.fields.IdentifierField(blank=True, default="", max_length=255, verbose_name="user id"),
                ),
                ("day", models.DateField(verbose_name="day")),
                ("is_complete", models.BooleanField(verbose_name="complete")),
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
            ],
            options={
                "verbose_name": "agent metric",
                "verbose_name_plural": "agent metrics",
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["user_id", "day"], name="agno_metric_user"),
                    models.Index(fields=["day", "user_id"], name="agno_metric_day"),
                    models.Index(fields=["is_complete", "day"], name="agno_metric_complete"),
                ],
            },
        ),
        agno_memory.operations.CreateCollection(
            name="AgentSpan",
            fields=[
                (
                    "key",
                    agno_memory.fields.CompositeKeyField(
                        of=("trace_id", "span_id"), serialize=False, verbose_name="key"
                    ),
                ),
                ("trace_id", agno_memory.fields.IdentifierField(max_length=255, verbose_name="trace id")),
                ("span_id", agno_memory.fields.IdentifierField(max_length=255, verbose_name="span id")),
                (
                    "parent_span_id",
                    agno_memory.fields.IdentifierField(
                        blank=True, max_length=255, null=True, verbose_name="parent span id"
                    ),
                ),
                (
                    "user_id",
                    agno_memory.fields.IdentifierField(blank=True, max_length=255, null=True, verbose_name="user id"),
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
                ("name", models.TextField(blank=True, verbose_name="name")),
                ("span_type", models.CharField(blank=True, default="", max_length=50, verbose_name="type")),
                ("span_kind", models.CharField(max_length=20, verbose_name="kind")),
                ("status_code", models.CharField(max_length=20, verbose_name="status")),
                ("status_message", models.TextField(blank=True, null=True, verbose_name="message")),
                ("start_time", agno_memory.exact_times.ExactTimeField(verbose_name="start")),
                ("end_time", agno_memory.exact_times.ExactTimeField(verbose_name="end")),
                ("duration_ms", models.BigIntegerField(verbose_name="duration (ms)")),
                (
                    "attributes",
                    agno_memory.json_fields.VerbatimJSONField(blank=True, null=True, verbose_name="attributes"),
                ),
                ("created_at", agno_memory.exact_times.ExactTimeField(verbose_name="created at")),
            ],
            options={
                "verbose_name": "agent span",
                "verbose_name_plural": "agent spans",
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["trace_id", "start_time", "key"], name="agno_span_trace"),
                    models.Index(fields=["span_id"], name="agno_span_span_id"),
                    models.Index(fields=["parent_span_id"], name="agno_span_parent"),
                    models.Index(fields=["user_id"], name="agno_span_user"),
                    models.Index(fields=["session_id", "run_id"], name="agno_span_session"),
                    models.Index(fields=["start_time"], name="agno_span_start"),
                ],
            },
        ),
        agno_memory.operations.CreateCollection(
            name="AgentTrace",
            fields=[
                ("key", agno_memory.fields.CompositeKeyField(of=("trace_id",), serialize=False, verbose_name="key")),
                ("trace_id", agno_memory.fields.IdentifierField(max_length=255, verbose_name="trace id")),
                ("name", models.TextField(blank=True, verbose_name="name")),
                ("status", models.CharField(max_length=20, verbose_name="status")),
                ("start_time", agno_memory.exact_times.ExactTimeField(verbose_name="start")),
                ("end_time", agno_memory.exact_times.ExactTimeField(verbose_name="end")),
                ("duration_ms", models.BigIntegerField(verbose_name="duration (ms)")),
                (
                    "run_id",
                    agno_memory.fields.IdentifierField(blank=True, max_length=255, null=True, verbose_name="run id"),
                ),
                (
                    "session_id",
                    agno_memory.fields.IdentifierField(
                        blank=True, max_length=255, null=True, verbose_name="session id"
                    ),
                ),
                (
                    "user_id",
                    agno_memory.fields.IdentifierField(
                        blank=True,
                        help_text="The person of this run; empty without a user.",
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
                ("created_at", agno_memory.exact_times.ExactTimeField(verbose_name="created at")),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
            ],
            options={
                "verbose_name": "agent trace",
                "verbose_name_plural": "agent traces",
                "indexes": [
                    models.Index(fields=["trace_id"], name="agno_trace_trace_id"),
                    models.Index(fields=["run_id"], name="agno_trace_run_id"),
                    models.Index(fields=["-start_time", "-key"], name="agno_trace_newest"),
                    models.Index(fields=["user_id", "-start_time", "-key"], name="agno_trace_user"),
                    models.Index(fields=["session_id", "-start_time", "-key"], name="agno_trace_session"),
                    models.Index(fields=["agent_id", "-start_time", "-key"], name="agno_trace_agent"),
                    models.Index(fields=["team_id", "-start_time", "-key"], name="agno_trace_team"),
                    models.Index(fields=["workflow_id", "-start_time", "-key"], name="agno_trace_workflow"),
                    models.Index(fields=["status", "-start_time", "-key"], name="agno_trace_status"),
                    models.Index(fields=["-created_at"], name="agno_trace_created"),
                ],
            },
        ),
    ]
