"""Each verb of ``Memory`` beside the same operation by the bare driver, and by Django's cursor if there is one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

from django.db import connections

from agno_memory.models import UserMemory
from benchmarks.drivers import EXTRA, PostgresDriver, SqlDriver, SqliteDriver
from benchmarks.measure import Case, resident
from benchmarks.places import Place
from benchmarks.rows import PER_USER, THINGS, TOPICS, Draw, Row, as_memory, as_values, fresh

BULK = 10_000
SINGLE_ROW = (
    "add_user_memory",
    "get_user_memory",
    "replace_user_memory",
    "upsert_user_memory",
    "delete_user_memory",
)
READ_ALL = f"get_user_memories ({PER_USER})"
ADD_MANY = f"add_user_memories ({BULK:,})"
ITERATE = "iterator over all rows"
COUNT_ALL = "topic_counts of all rows"
# These read the whole table, so their time grows with it.
WHOLE_TABLE = (ITERATE, COUNT_ALL)
DJANGO = "Django's cursor"


def single_row(place: Place, draw: Draw) -> list[Case]:
    """Return the verbs on one memory."""
    memory, driver = place.memory, place.driver
    extra = itertools.count()

    def new_row() -> Row:
        return fresh(f"{EXTRA}-{next(extra):06d}")

    def changed() -> Row:
        row = draw.row()
        return {**fresh(row["user_id"]), "key": row["key"], "memory_id": row["memory_id"]}

    def case(name: str, row: Callable[[], Row], ours: Callable[[Row, UserMemory], Any], **more: Any) -> Case:
        ways: dict[str, Callable[[Any], Any]] = {
            "ours": lambda both: ours(*both),
            "driver": getattr(driver, name),
        }
        if isinstance(driver, SqlDriver):
            ways[DJANGO] = through_django(place, driver, name)
        before = {"ours": lambda drawn: (drawn, as_memory(drawn))}
        return Case(f"{name}_user_memory", row, ways, before, **more)

    return [
        case("add", new_row, lambda row, new: memory.add_user_memory(new, row["user_id"])),
        case("get", draw.row, lambda row, _: memory.get_user_memory(*key(row)), same=as_values),
        case("replace", changed, lambda row, new: memory.replace_user_memory(row["memory_id"], new, row["user_id"])),
        case("upsert", changed, lambda row, new: memory.upsert_user_memory(new, row["user_id"])),
        case("delete", draw.row, lambda row, _: memory.delete_user_memory(*key(row)), undo=driver.add),
    ]


def key(row: Row) -> tuple[str, str]:
    return row["memory_id"], row["user_id"]


def through_django(place: Place, driver: SqlDriver, name: str) -> Callable[[Row], Any]:
    """Return the driver's statement, run by Django's cursor: the minimum cost in a Django app."""
    sql = getattr(driver.sql, name).replace("?", "%s")
    params = getattr(driver, f"{name}_params")
    connection = connections[place.handle.alias]
    returns_row = "RETURNING" in sql or sql.startswith("SELECT")

    def run(row: Row) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(sql, params(row))
            return cursor.fetchone() if returns_row else cursor.rowcount

    return run


def lists(place: Place, draw: Draw) -> list[Case]:
    """Return the verbs that read several memories of one user."""
    memory, driver, all_rows = place.memory, place.driver, place.rows
    topics = [TOPICS[3], TOPICS[8]]
    words = [THINGS[0].split()[-1], "than"]
    read_all = Case(
        READ_ALL, draw.user_id, {"ours": memory.get_user_memories, "driver": driver.newest}, same=each_values
    )
    if isinstance(driver, SqliteDriver):
        read_all.ways["undecoded"] = driver.newest_undecoded
    return [
        read_all,
        Case(
            "get_user_memories(limit=10)",
            draw.user_id,
            {
                "ours": lambda user_id: memory.get_user_memories(user_id, limit=10),
                "driver": lambda user_id: driver.newest(user_id, 10),
            },
            same=each_values,
        ),
        Case(
            "get_user_memories(topics, limit=10)",
            draw.user_id,
            {
                "ours": lambda user_id: memory.get_user_memories(user_id, topics=topics, limit=10),
                "driver": lambda user_id: driver.about(user_id, topics, 10),
            },
            same=each_values,
        ),
        Case(
            "search_user_memories (2 words)",
            draw.user_id,
            {
                "ours": lambda user_id: memory.search_user_memories(" ".join(words), user_id=user_id),
                "driver": lambda user_id: driver.mentioning(user_id, words),
            },
            same=each_values,
        ),
        Case(
            "topic_counts of one user",
            draw.user_id,
            {
                "ours": lambda user_id: all_rows().for_user(user_id).topic_counts(),
                "driver": driver.topic_counts,
            },
            same=each_pair,
        ),
    ]


def many(place: Place, draw: Draw) -> list[Case]:
    """Return the verbs that write several memories at once."""
    memory, driver = place.memory, place.driver
    extra = itertools.count()

    def ids(rows: list[Row]) -> list[str]:
        return [row["memory_id"] for row in rows]

    def new_rows() -> list[Row]:
        user_id = f"{EXTRA}-{next(extra):06d}"
        return [fresh(user_id) for _ in range(BULK)]

    add_many = Case(
        ADD_MANY,
        new_rows,
        {"ours": lambda both: memory.add_user_memories(both[1], both[0]), "driver": driver.add_many},
        before={"ours": lambda rows: (rows[0]["user_id"], [as_memory(row) for row in rows])},
        undo=lambda rows: driver.clear(rows[0]["user_id"]),
        block=1,
    )
    if isinstance(driver, PostgresDriver):
        add_many.ways["COPY"] = driver.copy_many
    return [
        Case(
            "delete_user_memories (10)",
            lambda: draw.rows(10),
            {
                "ours": lambda rows: memory.delete_user_memories(ids(rows), rows[0]["user_id"]),
                "driver": lambda rows: driver.delete_many(rows[0]["user_id"], ids(rows)),
            },
            undo=driver.load,
        ),
        Case(
            f"clear_user_memories ({PER_USER})",
            lambda: draw.rows(PER_USER),
            {
                "ours": lambda rows: memory.clear_user_memories(rows[0]["user_id"]),
                "driver": lambda rows: driver.clear(rows[0]["user_id"]),
            },
            undo=driver.load,
            block=5,
        ),
        add_many,
    ]


def whole_table(place: Place, growth: dict[str, int]) -> list[Case]:
    """Return the operations on all rows.

    Args:
        growth: a dictionary to fill with the growth of this process's memory during the iteration, in bytes, by the
            name of the variant.
    """
    driver, all_rows = place.driver, place.rows

    def walk(name: str, rows: Iterable[Any]) -> None:
        before = most = resident()
        for position, _ in enumerate(rows):
            if position % 1_000 == 0:
                most = max(most, resident())
        growth[name] = max(growth.get(name, 0), most - before)

    return [
        Case(
            ITERATE,
            lambda: None,
            {
                "ours": lambda _: walk("ours", all_rows().newest().iterator()),
                "driver": lambda _: walk("driver", driver.everything()),
            },
            block=1,
            least=1,
        ),
        Case(
            COUNT_ALL,
            lambda: None,
            {"ours": lambda _: all_rows().topic_counts(), "driver": driver.topic_counts},
            same=each_pair,
            block=1,
            least=1,
        ),
    ]


def each_values(memories: list[UserMemory]) -> list[Any]:
    return [as_values(memory) for memory in memories]


def each_pair(counts: list[Any]) -> list[Any]:
    return [tuple(count) for count in counts]
