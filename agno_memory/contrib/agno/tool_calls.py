"""The origin of a call that deletes memories: a tool of agno, agno's own ``Memory``, or the program.

Why this is needed: the tools that agno gives to a model delete without a user. ``clear_memory`` calls the store's
``clear_memories()`` (agno 3) or ``clear()`` (agno 1.8), and agno's own stores then delete the memories of every user
(agno's issue 9983). The tool ``delete_memory`` of agno 1.8 passes an id without its owner. Two other callers use the
same methods: a program, which means all users, and ``Agent.new_session()``, which must delete nothing. All of them
pass the same arguments, so only the call stack distinguishes them.

How it works: ``origin_of_call()`` walks up the stack from the store. It skips frames outside agno, such as those of a
subclass that calls ``super()`` or of a proxy around the store. It looks up the nearest frames of agno in ``ORIGINS``,
by module and function name.

When it fails: a call of unknown origin never deletes memories of other users. The origin is unknown if agno has
renamed a function, if agno calls a function of the program, such as a tool of an agent, or if a proxy passes the call
to another thread, where agno's frames are missing. A proxy must pass reads on to the store, which sets
``current_user``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextvars import ContextVar
from enum import Enum, auto
from threading import current_thread, main_thread
from types import FrameType
from typing import Final

# The user of the most recent list of memories in this context (a thread or a task). agno lists a user's memories before
# it gives its tools to the model, so a tool deletes memories of this user.
current_user: ContextVar[str | None] = ContextVar("agno_memory_current_user", default=None)

# The number of frames to look at. A longer stack without a frame of agno has an unknown origin.
MAX_FRAMES: Final = 500


class Origin(Enum):
    """The caller of a store's method."""

    # A tool that a model calls: only memories of ``current_user``.
    TOOL = auto()
    # The public class of agno that holds the store.
    MEMORY = auto()
    # ``Agent.new_session()``, which clears agno's ``Memory`` to begin another session.
    NEW_SESSION = auto()
    # The program itself: no frame of agno is on the stack.
    PROGRAM = auto()
    UNKNOWN = auto()


# The keys are the nearest function of agno, or the nearest two with the inner one first. The longer key wins.
ORIGINS: Final[dict[tuple[str, ...], Origin]] = {
    # agno 1.8
    ("agno.memory.v2.manager.delete_memory",): Origin.TOOL,
    ("agno.memory.v2.manager.clear_memory",): Origin.TOOL,
    ("agno.memory.v2.memory._delete_db_memory",): Origin.MEMORY,
    ("agno.memory.v2.memory.clear",): Origin.MEMORY,
    ("agno.memory.v2.memory.clear", "agno.agent.agent.new_session"): Origin.NEW_SESSION,
    # agno 3
    ("agno.memory.manager.clear_memory",): Origin.TOOL,
}
# A function of this name outside agno may be a copy of agno's tool. The name ``delete_memory`` proves nothing, because
# stores and their proxies have a method of that name.
LOOKALIKE: Final = "clear_memory"


def origin_of_call() -> Origin:
    """Return the origin of the call of the store's method that calls this function."""
    frames = list(frames_from(sys._getframe(1)))
    functions = [name for name in map(function_name, frames) if name.startswith("agno.")]
    if not functions:
        return Origin.PROGRAM if _reach_program_start(frames) and not _include_lookalike(frames) else Origin.UNKNOWN
    nearest = ORIGINS.get(tuple(functions[:1]), Origin.UNKNOWN)
    return ORIGINS.get(tuple(functions[:2]), nearest)


def frames_from(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield a frame and its callers, at most ``MAX_FRAMES``."""
    for _position in range(MAX_FRAMES):
        if frame is None:
            return
        yield frame
        frame = frame.f_back


def _reach_program_start(frames: list[FrameType]) -> bool:
    """Return whether the frames reach the start of the program, not only the start of a thread."""
    return frames[-1].f_back is None and current_thread() is main_thread()


def _include_lookalike(frames: list[FrameType]) -> bool:
    """Return whether a function of the program has the name of a tool: it may be a copy of the tool."""
    return any(frame.f_code.co_name == LOOKALIKE for frame in frames)


def function_name(frame: FrameType) -> str:
    """Return the dotted name of a frame's function: its module and its own name."""
    return f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}"
