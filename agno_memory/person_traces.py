"""The traces and spans that are about a person, for an erasure: more than those that belong to the person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from agno_memory.agent_trace_models import AgentSpan, AgentTrace
from agno_memory.batches import batched
from agno_memory.conf import conf
from agno_memory.db.damaged import identified
from agno_memory.person_sessions import without_user

# A span: its key, its id, that of the span that called it, and the user that it names.
Node = tuple[str, str, str | None, str | None]


class About(NamedTuple):
    """What is about a person.

    Args:
        trace_ids: the person's traces, and those without a user in which a span names the person: the server of
            AgentOS may begin a trace before agno knows the user. Also those that name no user at all, but a session of
            the person: the session may have got its user after the run.
        span_keys: in traces of others, the spans that name the person, with all that they called.
        trace_keys: of traces of sessions, those to which another program gave no id.
    """

    trace_ids: list[str]
    span_keys: list[str]
    trace_keys: list[str]

    @classmethod
    def of(cls, owner: str, alias: str, session_ids: Sequence[str]) -> About:
        """Return the rows about a person in a database.

        Args:
            owner: the user id.
            alias: of the database.
            session_ids: of the person's sessions.
        """
        traces, spans = AgentTrace.objects.using(alias), AgentSpan.objects.using(alias)
        own = identified(traces.for_user(owner).values_list("trace_id", flat=True))
        naming: dict[str, list[str]] = defaultdict(list)
        for key, trace_id in spans.for_user(owner).values_list("key", "trace_id"):
            naming[trace_id].append(key)
        named = sorted(set(identified(naming)) - set(own))
        of_others: set[str] = set()
        for batch in batched(named, conf.BATCH_SIZE):
            rows = traces.filter(trace_id__in=batch).exclude(user_id=None)
            of_others.update(rows.values_list("trace_id", flat=True))
        # Another program may have written spans without the id of a trace.
        keys = [key for trace_id, each in naming.items() if not identified([trace_id]) for key in each]
        for trace_id in sorted(of_others):
            nodes = spans.filter(trace_id=trace_id).values_list("key", "span_id", "parent_span_id", "user_id")
            keys += _keys_of(owner, nodes)
        of_sessions = _of_sessions(session_ids, alias, {*own, *naming})
        ids = [*own, *(each for each in named if each not in of_others), *of_sessions.trace_ids]
        return cls(ids, keys + of_sessions.span_keys, of_sessions.trace_keys)

    def count_spans(self, alias: str) -> int:
        """Return the number of all spans that are about the person."""
        spans = AgentSpan.objects.using(alias)
        return len(self.span_keys) + sum(
            spans.of_traces(batch).count() for batch in batched(self.trace_ids, conf.BATCH_SIZE)
        )

    def erase_spans(self, alias: str) -> None:
        """Delete the spans, also those without a trace."""
        for batch in batched(self.trace_ids, conf.BATCH_SIZE):
            AgentSpan.objects.using(alias).of_traces(batch).erase()
        for batch in batched(self.span_keys, conf.BATCH_SIZE):
            AgentSpan.objects.using(alias).filter(key__in=batch).erase()


def _of_sessions(session_ids: Sequence[str], alias: str, known: Collection[str]) -> About:
    """Return the rows that name a session and no user, in traces that name none either.

    Args:
        session_ids: of the sessions.
        alias: of the database.
        known: ids of traces that name the person.
    """
    traces, spans = AgentTrace.objects.using(alias), AgentSpan.objects.using(alias)
    found: set[str] = set()
    trace_keys: list[str] = []
    span_keys: list[str] = []
    kinds: list[tuple[Any, list[str]]] = [(traces, trace_keys), (spans, span_keys)]
    for rows, keys in kinds:
        for key, trace_id in without_user(rows, session_ids, "key", "trace_id"):
            if identified([trace_id]):
                found.add(trace_id)
            else:
                keys.append(key)
    of_users: set[str] = set()
    candidates = sorted(found.difference(known))
    for batch in batched(candidates, conf.BATCH_SIZE):
        for rows, _keys in kinds:
            with_user = rows.filter(trace_id__in=batch).exclude(user_id=None)
            of_users.update(with_user.values_list("trace_id", flat=True))
    return About([each for each in candidates if each not in of_users], span_keys, trace_keys)


def _keys_of(owner: str, nodes: Iterable[Node]) -> Iterator[str]:
    """Yield the keys of the spans that name a user, and of those that they called, until one names another user."""
    children: dict[str | None, list[Node]] = defaultdict(list)
    remaining: list[Node] = []
    for node in nodes:
        children[node[2]].append(node)
        if node[3] == owner:
            remaining.append(node)
    seen: set[str] = set()
    while remaining:
        key, span_id, _parent, user_id = remaining.pop()
        if key in seen or user_id not in (None, owner):
            continue
        seen.add(key)
        yield key
        remaining += children[span_id]
