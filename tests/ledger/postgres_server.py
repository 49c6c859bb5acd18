"""A PostgreSQL server of our own, where the programs for one are installed."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ACCOUNT = "postgres"


def programs() -> Path:
    """Return the folder with initdb and pg_ctl, or skip."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    on_path = shutil.which("initdb")
    folders = ([Path(on_path).parent] if on_path else []) + installed[::-1]
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    pytest.skip("no PostgreSQL server is installed (initdb, pg_ctl)")


def account() -> str | None:
    """Return who the server must run as: it refuses root."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(ACCOUNT)
    except KeyError:
        pytest.skip(f"PostgreSQL refuses root, and there is no user {ACCOUNT!r}")
    return ACCOUNT


@contextmanager
def server() -> Iterator[Path]:
    """Yield the folder with the socket of a fresh server that listens on no port."""
    folder, user = programs(), account()
    with tempfile.TemporaryDirectory(prefix="pg") as name:
        home = Path(name)
        if user is not None:
            shutil.chown(home, user)

        def run(program: str, *arguments: str) -> None:
            subprocess.run(  # noqa: S603 - the server's own programs
                [str(folder / program), *arguments],
                user=user,
                cwd=home,
                check=True,
                stdout=subprocess.DEVNULL,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            )

        data = str(home / "data")
        run("initdb", "-D", data, "-U", "owner", "-A", "trust", "-N", "-E", "UTF8")
        options = f"-c listen_addresses='' -c unix_socket_directories={home}"
        # Nobody cuts this machine's power in the middle of a test.
        options += " -c fsync=off"
        run("pg_ctl", "-D", data, "-w", "-l", str(home / "log"), "-o", options, "start")
        try:
            yield home
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
