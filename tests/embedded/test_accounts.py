"""As root the servers run as somebody else, and folders that were there keep their modes."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from handbell.entrypoints import embedded
from handbell.entrypoints.embedded.account import Account, current_account
from handbell.entrypoints.embedded.binaries import postgres_programs, valkey_program
from handbell.entrypoints.embedded.place import open_place

# Giving the servers to somebody else is root's privilege: a user's run has nothing to show here,
# and `test_as_an_ordinary_user…` shows the other half. Continuous integration runs as root.
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
NewHome = Callable[[], Path]
NOBODY = 65534
PROGRAM = """
import contextlib, os, sys
from pathlib import Path
import redis.backoff, redis.retry
with contextlib.suppress(redis.ConnectionError):  # loads what the client loads late
    redis.Redis(host="127.0.0.1", port=1, retry=None).ping()
from handbell.entrypoints import embedded
if os.geteuid() == 0:  # the interpreter itself may lie in a folder closed to others
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
servers = embedded.start(Path(sys.argv[1]))
owners = {os.stat(f"/proc/{pid}").st_uid for pid in servers.pids.values()}
servers.stop()
print(owners == {os.geteuid()}, os.geteuid() != 0)
"""


def uid_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


@needs_root
def test_as_root_both_servers_run_under_an_unprivileged_account(home: Path) -> None:
    servers = embedded.start(home, durable=False)

    assert {uid_of(pid) for pid in servers.pids.values()} == {current_account().uid}
    assert current_account().uid != 0
    servers.stop()


@needs_root
def test_a_home_in_a_folder_closed_to_the_account_works_and_the_folder_stays_closed(
    home: Path,
) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    inner = closed / "home"

    servers = embedded.start(inner, durable=False)

    with open_place(inner) as place:
        assert place.is_elsewhere
        assert place.folder.stat().st_mode & 0o777 == 0o700
    assert home.stat().st_mode & 0o777 == 0o700
    assert closed.stat().st_mode & 0o777 == 0o700
    servers.stop()


@needs_root
def test_a_home_that_the_account_can_enter_keeps_its_data_inside(home: Path) -> None:
    home.chmod(0o755)

    embedded.start_postgres(home)

    assert (home / "servers" / "postgres" / "PG_VERSION").exists()
    assert (home / "servers").stat().st_mode & 0o777 == 0o700
    assert home.stat().st_mode & 0o777 == 0o755


@needs_root
def test_programs_in_a_closed_folder_are_copied_whole_to_an_open_one(home: Path) -> None:
    home.chmod(0o711)
    account = Unreachable(uid=NOBODY, gid=NOBODY, drop=True)

    programs = postgres_programs(account, shared=home / "shared")
    valkey = valkey_program(account, shared=home / "shared")

    nobody = Account(uid=NOBODY, gid=NOBODY, drop=True)
    assert home in programs.parents
    assert home in valkey.parents
    assert nobody.runs([str(programs / "psql"), "--version"])
    assert nobody.runs([str(programs / "postgres"), "--version"])
    assert nobody.runs([str(valkey), "--version"])


class Unreachable(Account):
    """An account that can run nothing where it lies now."""

    def runs(self, command: list[str]) -> bool:
        return not command


def test_an_ordinary_user_keeps_everything_in_his_home(home: Path) -> None:
    if os.geteuid() == 0:
        os.chown(home, NOBODY, NOBODY)

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(home)],
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
    )

    assert done.stdout.strip() == "True True", done.stderr
    assert (home / "servers" / "postgres" / "PG_VERSION").exists()
    assert (home / "servers" / "valkey" / "appendonlydir").is_dir()
