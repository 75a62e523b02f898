"""The unprivileged account that the servers run under when we are root."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SERVICE_NAME: Final = "handbell"
_ENVIRONMENT: Final = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"}
_CAN_USE: Final = 'cd "$1" && test -r . && test -x .'


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whom a program runs as. `drop` is false for an ordinary user: he stays who he is."""

    uid: int
    gid: int
    drop: bool

    def popen(
        self, command: list[str], *, output: int, stdin: int = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        """Start a program in a session of its own: it outlives us and hears no Ctrl-C."""
        return subprocess.Popen(
            command,
            stdin=stdin,
            stdout=output,
            stderr=output,
            cwd="/",
            env=_ENVIRONMENT,
            umask=0o077,
            start_new_session=True,
            user=self.uid if self.drop else None,
            group=self.gid if self.drop else None,
            extra_groups=[] if self.drop else None,
        )

    def runs(self, command: list[str]) -> bool:
        """Say whether the account can run this to a good end."""
        try:
            return self.popen(command, output=subprocess.DEVNULL).wait() == 0
        except PermissionError:
            return False

    def can_enter(self, folder: Path) -> bool:
        return self.runs(["/bin/sh", "-c", _CAN_USE, "sh", str(folder)])

    def own(self, path: Path) -> None:
        if self.drop:
            os.chown(path, self.uid, self.gid)


def current_account() -> Account:
    """Ourselves; as root, the service account, made if the machine lacks it.

    Falls back to `postgres` and then to `nobody` where no account can be made.
    """
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid(), drop=False)
    if _find(SERVICE_NAME) is None:
        _create_service_account()
    for name in (SERVICE_NAME, "postgres", "nobody"):
        if entry := _find(name):
            return Account(uid=entry.pw_uid, gid=entry.pw_gid, drop=True)
    return Account(uid=65534, gid=65534, drop=True)


def owner_of(folder: Path, *, otherwise: Account) -> Account:
    """As root, the account that earlier data belong to, so that a server can open them."""
    uid = folder.stat().st_uid
    if not otherwise.drop or uid in (0, otherwise.uid):
        return otherwise
    return Account(uid=uid, gid=folder.stat().st_gid, drop=True)


def _find(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _create_service_account() -> None:
    program = shutil.which("useradd", path=_ENVIRONMENT["PATH"])
    if program is None:
        return
    command = [program, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    subprocess.run([*command, SERVICE_NAME], check=False, capture_output=True, env=_ENVIRONMENT)
