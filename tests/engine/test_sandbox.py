"""What a shut-in process can still do, tried from inside."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from snug.engine.sandbox import Confinement, possible_walls

_CHILD = r"""
import ctypes, json, os, signal, socket, subprocess, sys
from snug.engine.sandbox import Rules, confine

readable, secret, home = sys.argv[1:4]
walls = confine(Rules((readable,)), os.getppid())
libc = ctypes.CDLL(None, use_errno=True)

def tried(work):
    try:
        work()
    except OSError as error:
        return error.errno
    return 0

def call(number, *arguments):
    def work():
        if libc.syscall(number, *arguments) < 0:
            raise OSError(ctypes.get_errno(), "")
    return work

def open_(path, flags=os.O_RDONLY):
    return lambda: os.close(os.open(path, flags, 0o600))

read, write = os.pipe()
print(json.dumps({
    "walls": [walls.landlock, walls.seccomp],
    "inet": tried(lambda: socket.socket(socket.AF_INET)),
    "inet6": tried(lambda: socket.socket(socket.AF_INET6)),
    "unix": tried(lambda: socket.socket(socket.AF_UNIX)),
    "pair": tried(lambda: socket.socketpair()),
    "connect": tried(call(42 if os.uname().machine == "x86_64" else 203, read, None, 0)),
    "io_uring": tried(call(425, 8, None)),
    "ptrace": tried(call(101 if os.uname().machine == "x86_64" else 117, 0, 0, 0, 0)),
    "x32": tried(call(0x40000000 + 41, 2, 1, 0)) if os.uname().machine == "x86_64" else 1,
    "passwd": tried(open_("/etc/passwd")),
    "secret": tried(open_(secret)),
    "home": tried(lambda: os.listdir(home)),
    "parent": tried(open_(f"/proc/{os.getppid()}/environ")),
    "write": tried(open_(os.path.join(os.path.dirname(readable), "new"), os.O_CREAT | os.O_WRONLY)),
    "overwrite": tried(open_(readable, os.O_WRONLY)),
    "signal": tried(lambda: os.kill(os.getppid(), 0)),
    "model": tried(open_(readable)),
    "python": subprocess.run([sys.executable, "-I", "-c", "import json"], stdin=subprocess.DEVNULL,
                             capture_output=True).returncode,
    "oom": open("/proc/self/oom_score_adj").read().strip(),
}))
"""
_REFUSED = (1, 13)  # EPERM, EACCES


def _inside(tmp_path: Path) -> dict[str, int]:
    model, secret = tmp_path / "model.gguf", tmp_path / "secret"
    model.write_text("GGUF")
    secret.write_text("a secret")
    done = subprocess.run(
        [sys.executable, "-I", "-c", _CHILD, model, secret, Path.home()],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, int] = json.loads(done.stdout)
    return told


def test_a_shut_in_process_has_no_network_and_no_other_process(tmp_path: Path) -> None:
    if not possible_walls().seccomp:
        pytest.skip("this kernel has no seccomp")
    told = _inside(tmp_path)
    for what in ("inet", "inet6", "unix", "pair", "connect", "io_uring", "ptrace", "x32"):
        assert told[what] == 1, what
    assert told["oom"] == "900"


def test_a_shut_in_process_sees_the_model_and_no_other_file(tmp_path: Path) -> None:
    if not possible_walls().landlock:
        pytest.skip("this kernel has no Landlock")
    told = _inside(tmp_path)
    for what in ("passwd", "secret", "home", "parent", "write", "overwrite"):
        assert told[what] in _REFUSED, what
    assert told["model"] == 0
    assert told["python"] == 0  # the renderer of chat templates is a process of its own


def test_signals_stay_inside_where_the_kernel_can_scope_them(tmp_path: Path) -> None:
    if possible_walls().landlock < 6:
        pytest.skip("Landlock scopes signals since ABI 6")
    assert _inside(tmp_path)["signal"] == 1


def test_a_kernel_without_walls_is_told_as_a_fact() -> None:
    assert "cannot shut it in" in Confinement(0, False).sentence
    assert "no Landlock" in Confinement(0, True).sentence
    assert "no network and sees no file" in Confinement(7, True).sentence
