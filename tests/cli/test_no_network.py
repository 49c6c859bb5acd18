"""Nothing listens on a port, and nothing is connected to but the reviewer's agent."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.identity.test_signers import agent as agent  # a fixture

PROBE = "socket.bind AF_INET6 ('::1', 0) urllib3.util.connection"
ROOT = Path(__file__).parents[2]
# Loaded by every Python process that is started, before anything else of it.
WATCH = """
import os, socket, sys

SAID = os.open(os.environ["WATCH_SOCKETS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def say(*words):
    os.write(SAID, (" ".join(map(str, words)) + "\\n").encode())

def hook(event, arguments):
    if event in ("socket.bind", "socket.connect", "socket.sendto"):
        address = arguments[1] if len(arguments) > 1 else ""
        caller = sys._getframe(1).f_globals["__name__"]
        say(event, socket.AddressFamily(arguments[0].family).name, address, caller)
    elif event.startswith("socket.get"):
        say(event, *arguments)

def listen(self, *backlog):
    say("socket.listen", socket.AddressFamily(self.family).name, "")
    return plain_listen(self, *backlog)

plain_listen = socket.socket.listen
socket.socket.listen = listen
sys.addaudithook(hook)
say("watched", os.getpid(), "")
"""


def watched(folder: Path, *arguments: str, agent: Path | None = None) -> list[str]:
    """Run Python on something; return what it did with sockets, line by line."""
    hook, said = folder / "hook", folder / "said"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GOVERNANCE_", "SSH_AUTH_SOCK"))
    }
    environment |= {
        "PYTHONPATH": os.pathsep.join((str(hook), str(ROOT))),
        "WATCH_SOCKETS": str(said),
    }
    if agent is not None:
        environment["SSH_AUTH_SOCK"] = str(agent)
    done = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    lines = said.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("watched ")]
    return [line for line in lines if not line.startswith("watched ")]


def test_the_watch_sees_whatever_opens_a_port(tmp_path: Path) -> None:
    found = watched(
        tmp_path,
        "-c",
        "import socket, subprocess, sys\n"
        "child = 'import socket; socket.socket().listen()'\n"
        "subprocess.run([sys.executable, '-c', child], check=True)\n"
        "with socket.create_server(('127.0.0.1', 0)) as server:\n"
        "    socket.create_connection(server.getsockname()).close()\n",
    )
    kinds = [line.split()[0] for line in found]
    assert kinds[0] == "socket.listen", "a child process is watched as well"
    assert {"socket.bind", "socket.listen", "socket.connect"} <= set(kinds[1:])


@pytest.mark.skipif(shutil.which("ssh-add") is None, reason="ssh-add is not installed")
def test_no_command_opens_a_port_or_connects_to_anything_but_the_agent(
    tmp_path: Path, agent: Path
) -> None:
    """The key of who approves is in an agent, which is asked by its own socket.

    urllib3, which the hub client imports, takes an address of this machine as it is
    imported, to see whether there is IPv6, and gives it back: nobody can connect to it.
    """
    story = Path(__file__).with_name("whole_story.py")
    found = watched(tmp_path, str(story), str(tmp_path), agent=agent)
    asked = f"socket.connect AF_UNIX {agent} governance.identity.agent"
    assert asked in found
    assert set(found) <= {asked, PROBE}
