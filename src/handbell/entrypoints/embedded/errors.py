"""What can be in the way of the two servers, each as one clear sentence."""

from pathlib import Path

from handbell.platform.errors import UnavailableError


class EmbeddedServerError(UnavailableError):
    """A server of this machine cannot be started or stopped."""

    code = "embedded_server"


class HomeUnusable(EmbeddedServerError):
    """The home folder cannot be made, read or written."""

    code = "home_unusable"

    def __init__(self, home: Path, why: str) -> None:
        super().__init__(f"The home folder {home} cannot be used: {why}.")


class OtherMajorVersion(EmbeddedServerError):
    """The data were written by another major version, which this server cannot open."""

    code = "other_major_version"

    def __init__(self, data: Path, *, found: str, needed: str) -> None:
        super().__init__(
            f"The data in {data} belong to PostgreSQL {found} and this is PostgreSQL {needed}: "
            f"dump them with the old version (pg_dump) and restore them into a new home.",
            found=found,
            needed=needed,
        )


class BinariesMissing(EmbeddedServerError):
    """The wheel with the server's programs is not installed for this platform."""

    code = "binaries_missing"

    def __init__(self, package: str) -> None:
        super().__init__(
            f"The programs of the package {package} are not installed for this platform: "
            f"install it, or set HANDBELL_DATABASE_URL and HANDBELL_REDIS_URL."
        )


class ServerDidNotStart(EmbeddedServerError):
    """The program ended or did not answer in time; the last lines of its log say why."""

    code = "server_did_not_start"

    def __init__(self, name: str, log: Path, last_lines: str) -> None:
        super().__init__(f"{name} did not start. The end of {log}:\n{last_lines}")


class ServerDidNotStop(EmbeddedServerError):
    """The program still runs after it was asked to stop; it is never killed by force."""

    code = "server_did_not_stop"

    def __init__(self, name: str, pid: int) -> None:
        super().__init__(f"{name} (process {pid}) still runs after it was asked to stop.", pid=pid)
