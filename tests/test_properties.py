"""Properties of any text, topic, id and metadata: it is returned unchanged, with the same result on every database."""

from __future__ import annotations

import json
import math
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import ValidationError
from hypothesis import event, example, given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from agno_memory.exceptions import AgnoMemoryError, MemoryChanged, MemoryExists, MemoryNotFound
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.validators import canonical_topics, fold
from tests.databases import RUNNING, commits

pytestmark = [commits]

# Characters with a meaning in databases, query languages or JSON, and characters with special rules of comparison.
PECULIAR = [
    *"\x00$.%_*?\\/'\"`[](){}<>,;:|^~&#@!+-=\n\r\t\x0b\x1f\x7f\x85\xa0 aAzZ09",
    *"ßẞİK",
    "\u0131",
    "\u017f",
    "\u212a",
]
PECULIAR += ["\u0301", "e\u0301", "é", "\u200b", "\u200d", "\u200f", "\u202e", "\u2028", "\ufeff", "\ufffd", "\uffff"]
PECULIAR += ["ﬃ", "ﷺ", "中", "あ", "😀", "👩‍👩‍👧", "\U0010ffff", "\ud800", "\udfff", "$ref", "\\u0000", "--", "/*"]

pieces = st.one_of(st.sampled_from(PECULIAR), st.characters())
# Most values are storable: values of bad characters alone would always be refused.
good_pieces = pieces.filter(lambda piece: "\x00" not in piece and not any(map(is_surrogate, piece)))


def is_surrogate(character: str) -> bool:
    return unicodedata.category(character) == "Cs"


def texts(characters: st.SearchStrategy[str], most: int = 12) -> st.SearchStrategy[str]:
    return st.lists(characters, max_size=most).map("".join)


good_texts = texts(good_pieces).filter(lambda text: text.strip() != "")
any_texts = st.one_of(good_texts, texts(pieces))
# Few enough to meet again, and strange enough to be confused.
topics = st.one_of(
    st.sampled_from(["food", "Food", "foo", "café", "cafe\u0301", "100%", "1_0", "100", '["food"]']), good_texts
)

any_numbers = st.one_of(st.integers(-(2**70), 2**70), st.floats())
good_numbers = st.one_of(
    st.integers(1 - 2**63, 2**63 - 1),
    st.floats(-(2.0**62), 2.0**62),
    st.sampled_from([2**63 - 1, 2**53 + 1, 1e16, -1e16, 5e-324, 0.1, 1.0, -0.0]),
)


def json_objects(some: st.SearchStrategy[str], numbers: st.SearchStrategy[float]) -> st.SearchStrategy[Fields]:
    """JSON objects made of such texts and such numbers."""
    leaves = st.one_of(st.none(), st.booleans(), numbers, some)

    def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.one_of(st.lists(inner, max_size=3), st.dictionaries(some, inner, max_size=3))

    return st.dictionaries(some, st.recursive(leaves, nested, max_leaves=6), max_size=3)


metadata = json_objects(any_texts, any_numbers)
good_metadata = json_objects(good_texts.map(lambda text: text.lstrip("$")), good_numbers)

Fields = dict[str, Any]


def shown(memory: UserMemory | None) -> Fields | None:
    """Return the public values of a memory, apart from its times."""
    if memory is None:
        return None
    names = ("memory_id", "user_id", *UserMemory.content_fields, "version")
    # In Python 1, 1.0 and True are equal; in JSON they differ.
    as_json = json.dumps(memory.metadata, sort_keys=True)
    return {"as_json": as_json, **{name: getattr(memory, name) for name in names}}


def verdict(work: Callable[[], Any]) -> Any:
    """Return the result, or the type and the text of an error that the contract allows."""
    try:
        return work()
    except ValidationError as error:
        return "ValidationError", error.message_dict
    except AgnoMemoryError as error:
        return type(error).__name__, str(error)


def everywhere(work: Callable[[Memory], Any]) -> Any:
    """Call a function on every database, check that the outcome is the same, and return it."""
    verdicts = {alias: verdict(lambda alias=alias: work(Memory(db=alias))) for alias in RUNNING}  # type: ignore[misc]
    first = verdicts[RUNNING[0]]
    assert verdicts == dict.fromkeys(RUNNING, first)
    return first


def rows_everywhere(ask: Callable[[UserMemoryQuerySet], Any]) -> Any:
    """Run a query on every database, check that the result is the same, and return it."""
    return everywhere(lambda memory: ask(UserMemory.objects.using(str(memory.db))))


def found(ask: Callable[[UserMemoryQuerySet], UserMemoryQuerySet]) -> list[str]:
    """Return the ids that every database finds, sorted."""
    return [str(name) for name in rows_everywhere(lambda rows: sorted(ids(ask(rows))))]


def empty_all() -> None:
    everywhere(lambda memory: memory.clear() and None)


def expected(fields: Fields) -> Fields:
    """Return the expected values, computed from the contract alone."""
    names = [unicodedata.normalize("NFC", topic.strip()) for topic in fields["topics"]]
    return {**fields, "topics": list(dict.fromkeys(names)), "agent_id": fields["agent_id"] or None}


def is_storable(value: Any) -> bool:
    """Return whether every database can store a value, according to the contract alone."""
    match value:
        case str():
            return "\x00" not in value and not any(map(is_surrogate, value))
        case float():
            return math.isfinite(value) and abs(value) < 2**63
        case int():
            return abs(value) < 2**63
        case list():
            return all(map(is_storable, value))
        case dict():
            return all(
                is_storable(key) and not key.startswith("$") and is_storable(item) for key, item in value.items()
            )
    return True


def is_good(user_id: str, fields: Fields) -> bool:
    not_blank = [user_id, fields["memory_id"], fields["memory"], *fields["topics"]]
    values = [user_id, *fields.values()]
    return (
        all(text.strip() for text in not_blank)
        and (not fields["agent_id"] or bool(fields["agent_id"].strip()))
        and all(map(is_storable, values))
    )


def contents_of(some: st.SearchStrategy[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Fields]:
    """Return a strategy for the fields of a memory, made of these texts and this metadata."""
    return st.fixed_dictionaries(
        {
            "memory_id": some,
            "memory": some,
            "topics": st.lists(st.one_of(topics, some), max_size=3),
            "agent_id": some,
            "metadata": values,
        }
    )


contents = st.one_of(contents_of(good_texts, good_metadata), contents_of(any_texts, metadata))


@given(st.one_of(good_texts, any_texts), contents, contents)
@example(
    "😀" * 255,
    {
        "memory_id": "😀" * 255,
        "memory": "\U0010ffff" * 10_000,
        "topics": ["中" * 100],
        "agent_id": "é" * 255,
        "metadata": {"numbers": [-0.0, 1, 1.0, True, 5e-324, 1e16, 2**53 + 1]},
    },
    {
        "memory_id": "$a.b",
        "memory": "$a.b",
        "topics": ["$a", "a.b"],
        "agent_id": "$$ROOT",
        "metadata": {"a.b": {"": "$c"}},
    },
)
def test_what_goes_in_comes_out(user_id: str, first: Fields, second: Fields) -> None:
    """Added and read back, replaced and read back, and the same in one batch."""
    empty_all()
    stored = check_written(user_id, first, lambda memory: memory.add_user_memory(UserMemory(**first), user_id))
    check_many_written(user_id, first)
    if not stored:
        return
    taken = first["memory_id"]
    second = {**second, "memory_id": taken}
    check_written(user_id, second, lambda memory: memory.replace_user_memory(taken, UserMemory(**second), user_id))


def check_written(user_id: str, fields: Fields, write: Callable[[Memory], UserMemory]) -> bool:
    came = everywhere(lambda memory: shown(write(memory)))
    good = is_good(user_id, fields)
    event(f"good: {good}")
    assert isinstance(came, dict) == good, came
    if good:
        assert came == {**came, **expected(fields), "user_id": user_id}
        read = everywhere(lambda memory: shown(memory.get_user_memory(fields["memory_id"], user_id)))
        assert read == came
    return good


def check_many_written(user_id: str, fields: Fields) -> None:
    """The id of ``fields`` is taken if they are good."""
    other = {**fields, "memory_id": f"{fields['memory_id']}2"[-255:]}
    came = everywhere(
        lambda memory: [shown(added) for added in memory.add_user_memories([UserMemory(**other)], user_id)]
    )
    if is_good(user_id, other):
        assert came == [{**came[0], **expected(other), "user_id": user_id}]
        listed = everywhere(lambda memory: list(map(shown, memory.get_user_memories(user_id))))
        assert came[0] in listed


@st.composite
def texts_and_queries(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Texts, and queries most of which are a part of one of them, some with the case swapped."""
    some_texts = draw(st.lists(good_texts, min_size=1, max_size=5))
    queries = [draw(good_texts)]
    for text in some_texts:
        start = draw(st.integers(0, len(text) - 1))
        part = text[start : draw(st.integers(start + 1, len(text)))]
        queries += [part, part.swapcase()]
    return some_texts, [query for query in queries if query.strip()]


@given(texts_and_queries())
@example((["ﷺ" * 1000, "x"], ["ﷺ" * 1000]))
@example((["%_" * 500, "x"], ["%_" * 500, "%", "_"]))
@example((["\\" * 1000, "x"], ["\\" * 1000, "\\\\"]))
@example((["Straße", "STRASSE", "x"], ["strasse", "ß", "ẞ", "S"]))
def test_mentioning_agrees_with_the_folded_text(both: tuple[list[str], list[str]]) -> None:
    some_texts, queries = both
    store([UserMemory(memory_id=str(number), memory=text) for number, text in enumerate(some_texts)])
    for query in queries:
        check_mentioning(some_texts, query)


def check_mentioning(some_texts: list[str], query: str) -> None:
    expected_ids = [str(number) for number, text in enumerate(some_texts) if fold(query) in fold(text)]
    event(f"found: {bool(expected_ids)}")
    assert found(lambda rows: rows.mentioning(query)) == expected_ids


def store(memories: list[UserMemory]) -> None:
    """Put these, and nothing else, into every database."""
    empty_all()
    assert everywhere(lambda memory: len(memory.add_user_memories(memories))) == len(memories)


def ids(rows: UserMemoryQuerySet) -> list[str]:
    return list(rows.values_list("memory_id", flat=True))


@given(
    st.lists(st.lists(topics, max_size=4), min_size=1, max_size=6), st.lists(st.lists(topics, max_size=3), max_size=4)
)
def test_questions_about_topics_agree_with_sets(stored: list[list[str]], asked: list[list[str]]) -> None:
    store([UserMemory(memory_id=str(number), memory="x", topics=names) for number, names in enumerate(stored)])
    kept = {str(number): set(canonical_topics(names)) for number, names in enumerate(stored)}
    for names in [[], *asked, *stored]:
        check_topics(kept, names)


def check_topics(kept: dict[str, set[str]], names: list[str]) -> None:
    wanted = set(canonical_topics(names))
    with_all = [name for name in kept if wanted <= kept[name]]
    with_any = [name for name in kept if wanted & kept[name]]
    assert found(lambda rows: rows.about(*names)) == with_all
    assert found(lambda rows: rows.about_any(*names)) == with_any
    assert found(lambda rows: rows.exclude(topics__about=names)) == [name for name in kept if name not in with_all]
    assert found(lambda rows: rows.exclude(topics__about_any=names)) == [name for name in kept if name not in with_any]


@given(st.lists(st.lists(topics, max_size=4), min_size=1, max_size=6), st.integers(0, 8))
def test_topic_counts_agree_with_a_counter(stored: list[list[str]], limit: int) -> None:
    store([UserMemory(memory="x", topics=names) for names in stored])
    counts = Counter(topic for names in stored for topic in canonical_topics(names))
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    assert rows_everywhere(lambda rows: rows.topic_counts()) == ordered
    assert rows_everywhere(lambda rows: rows.topic_counts(limit=limit)) == ordered[:limit]


ORDERED_BY_CODE_POINT = ["-", "A", "B", "Z", "_", "a", "b", "é", "中", "\uffff", "😀"]


@given(st.permutations(ORDERED_BY_CODE_POINT), st.lists(good_texts, max_size=4))
def test_order_is_the_same_everywhere(peculiar: list[str], some: list[str]) -> None:
    """One statement gives all memories the same moment, so that their ids decide."""
    names = list(dict.fromkeys([*peculiar, *some]))
    store([UserMemory(memory_id=name, memory="x") for name in names])
    assert rows_everywhere(lambda rows: rows.all().update(session_id="one moment")) == len(names)
    assert rows_everywhere(lambda rows: ids(rows.oldest())) == sorted(names)
    assert rows_everywhere(lambda rows: ids(rows.newest())) == sorted(names, reverse=True)


@given(st.lists(st.sampled_from(ORDERED_BY_CODE_POINT), min_size=1, max_size=6, unique=True))
def test_what_was_written_last_is_newest(replaced: list[str]) -> None:
    store([UserMemory(memory_id=name, memory="x") for name in sorted(replaced)])
    for name in replaced:
        replace_everywhere(name)
    for alias in RUNNING:
        rows = UserMemory.objects.using(alias)
        by_time = sorted((row.last_updated, row.memory_id) for row in rows)
        assert [row.memory_id for row in rows.oldest()] == [name for _, name in by_time]
        assert [row.memory_id for row in rows.newest()] == [name for _, name in by_time[::-1]]
        assert ids(rows.newest()) == [name for _, name in by_time[::-1]]


def replace_everywhere(name: str) -> None:
    everywhere(lambda memory: shown(memory.replace_user_memory(name, UserMemory(memory="replaced"))))


USERS = ["ann", "Ann", "anñ"]
users = st.sampled_from(USERS)
# A pool as small as this makes most steps meet something that is there.
memory_ids = st.sampled_from(["a", "A", "b", "%", "😀"])
stored_topics = st.lists(st.sampled_from(["food", "Food", "é", "e\u0301"]), max_size=2)


class Store(RuleBasedStateMachine):
    """Every database against a dictionary: the same results, the same errors, the same contents."""

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, tuple[str, UserMemory]] = {}

    @initialize()
    def start_empty(self) -> None:
        empty_all()

    def owned(self, user: str) -> list[str]:
        return [name for name, (owner, _) in self.model.items() if owner == user]

    def written(self, name: str, user: str, text: str, names: list[str]) -> Fields:
        """Write a memory into the model of the store, and return the values that the service should return."""
        version = self.model[name][1].version + 1 if name in self.model else 1
        new = UserMemory(memory_id=name, user_id=user, memory=text, topics=canonical_topics(names), version=version)
        self.model[name] = user, new
        answer = shown(new)
        assert answer is not None
        return answer

    @rule(name=memory_ids, user=users, text=good_texts, names=stored_topics)
    def add(self, name: str, user: str, text: str, names: list[str]) -> None:
        new = UserMemory(memory_id=name, memory=text, topics=names)
        came = everywhere(lambda memory: shown(memory.add_user_memory(new, user)))
        if name in self.model:
            assert came == ("MemoryExists", str(MemoryExists([name])))
        else:
            assert came == self.written(name, user, text, names)

    @rule(some=st.lists(memory_ids, unique=True, max_size=3), user=users, text=good_texts, names=stored_topics)
    def add_many(self, some: list[str], user: str, text: str, names: list[str]) -> None:
        new = [UserMemory(memory_id=name, memory=text, topics=names) for name in some]
        taken = [name for name in some if name in self.model]
        if taken:
            # Without transactions, a refusal comes before the first write: nothing is left behind either.
            came = everywhere(lambda memory: memory.add_user_memories(new, user))
            assert came == ("MemoryExists", str(MemoryExists(taken)))
        else:
            came = everywhere(lambda memory: list(map(shown, memory.add_user_memories(new, user))))
            assert came == [self.written(name, user, text, names) for name in some]

    @rule(name=memory_ids, user=users, text=good_texts, names=stored_topics, behind=st.sampled_from([None, 0, 1, -1]))
    def replace(self, name: str, user: str, text: str, names: list[str], behind: int | None) -> None:
        new = UserMemory(memory=text, topics=names)
        current = self.model[name][1].version if name in self.model else 1
        version = None if behind is None else max(1, current - behind)
        came = everywhere(lambda memory: shown(memory.replace_user_memory(name, new, user, version=version)))
        if name not in self.owned(user):
            assert came == ("MemoryNotFound", str(MemoryNotFound(name)))
        elif version is not None and version != current:
            assert came == ("MemoryChanged", str(MemoryChanged(name, version)))
        else:
            assert came == self.written(name, user, text, names)

    @rule(name=memory_ids, user=users, text=good_texts, names=stored_topics)
    def upsert(self, name: str, user: str, text: str, names: list[str]) -> None:
        new = UserMemory(memory_id=name, memory=text, topics=names)
        came = everywhere(lambda memory: shown(memory.upsert_user_memory(new, user)))
        if name in self.model and name not in self.owned(user):
            assert came == ("MemoryExists", str(MemoryExists([name])))
        else:
            assert came == self.written(name, user, text, names)

    @rule(name=memory_ids, user=users)
    def delete(self, name: str, user: str) -> None:
        came = everywhere(lambda memory: memory.delete_user_memory(name, user))
        if name in self.owned(user):
            assert came is None
            del self.model[name]
        else:
            assert came == ("MemoryNotFound", str(MemoryNotFound(name)))

    @rule(some=st.lists(memory_ids, max_size=4), user=users)
    def delete_many(self, some: list[str], user: str) -> None:
        gone = [name for name in dict.fromkeys(some) if name in self.owned(user)]
        assert everywhere(lambda memory: memory.delete_user_memories(some, user)) == gone
        for name in gone:
            del self.model[name]

    @rule(user=users)
    def clear_user(self, user: str) -> None:
        owned = self.owned(user)
        assert everywhere(lambda memory: memory.clear_user_memories(user)) == len(owned)
        for name in owned:
            del self.model[name]

    @rule(name=memory_ids, user=users)
    def get(self, name: str, user: str) -> None:
        came = everywhere(lambda memory: shown(memory.get_user_memory(name, user)))
        assert came == (shown(self.model[name][1]) if name in self.owned(user) else None)

    @rule(user=users, names=stored_topics)
    def get_about(self, user: str, names: list[str]) -> None:
        wanted = set(canonical_topics(names))
        found = everywhere(
            lambda memory: sorted(each.memory_id for each in memory.get_user_memories(user, topics=names))
        )
        assert found == sorted(name for name in self.owned(user) if wanted <= set(self.model[name][1].topics))

    @invariant()
    def contents_are_the_same(self) -> None:
        stored = rows_everywhere(lambda rows: sorted_by_id(rows))
        assert stored == sorted_by_id(memory for _, memory in self.model.values())


def sorted_by_id(memories: Iterable[UserMemory]) -> list[Fields | None]:
    return [shown(memory) for memory in sorted(memories, key=lambda memory: memory.memory_id)]


def test_every_database_does_what_a_dictionary_does() -> None:
    run_state_machine_as_test(Store)
