"""Chat templates from strangers: no way out of the child, no way to keep it busy."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.rendering import CHATML, TALK, render

from snug.domain.conversation import Role
from snug.domain.errors import TemplateError
from snug.domain.prompt import PromptMessage
from snug.engine.template import TemplateRenderer

# What is tried to reach the interpreter from inside a template. CANARY would be made by success.
_RUN = "open('CANARY','w')"
ESCAPES = (
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ().__class__.__bases__[0].__subclasses__()[0] }}",
    "{{ cycler.__init__.__globals__.os.popen('touch CANARY').read() }}",
    "{{ joiner.__init__.__globals__.os.system('touch CANARY') }}",
    "{{ namespace.__init__.__globals__['__builtins__'].open('CANARY','w') }}",
    "{{ raise_exception.__globals__['__builtins__']['open']('CANARY','w') }}",
    "{{ strftime_now.__globals__['__builtins__']['open']('CANARY','w') }}",
    "{{ self.__init__.__globals__.__builtins__.open('CANARY','w') }}",
    "{{ self._TemplateReference__context.cycler.__init__.__globals__.os.mkdir('CANARY') }}",
    "{{ request.application.__globals__.__builtins__.open('CANARY','w') }}",
    "{{ range.__class__.__base__.__subclasses__() }}",
    "{{ messages.__class__.__mro__ }}{{ messages.append.__self__.__class__.__base__ }}",
    "{{ (''|attr('__class__')|attr('__mro__')|list)[1]|attr('__subclasses__')() }}",
    "{{ ''['__cla' ~ 'ss__']['__mro__'][1]['__subclasses__']() }}",
    "{{ ''['\\x5f\\x5fclass\\x5f\\x5f']['\\x5f\\x5fmro\\x5f\\x5f'] }}",
    "{{ '{0.__class__.__init__.__globals__}'.format(cycler) }}",
    "{{ '{m.__class__.__mro__[1].__subclasses__}'.format_map({'m': cycler}) }}",
    "{{ ('{0.__class__.__globals__}'|attr('format'))(raise_exception) }}",
    "{% set f = '{0.__init__.__globals__}'.format %}{{ f(cycler) }}",
    "{{ ['{0.__class__.__mro__}']|map('format', cycler)|first }}",
    "{{ [cycler]|map(attribute='__init__.__globals__')|first }}",
    "{{ [cycler]|map('attr','__init__')|map('attr','__globals__')|first }}",
    "{{ [{'a': cycler}]|selectattr('a.__init__.__globals__.os.popen')|list }}",
    "{{ [cycler]|groupby('__init__.__globals__') }}",
    "{{ dict.__base__.__subclasses__() }}{{ dict.mro() }}",
    "{{ messages.append(messages) }}{{ messages.clear() }}{{ messages[0].update(role='x') }}",
    "{% import 'os' as os %}{{ os.popen('touch CANARY') }}",
    "{% include '/etc/passwd' %}",
    "{% extends '/etc/passwd' %}",
    "{{ lipsum.__globals__['os'].popen('touch CANARY').read() }}",
    "{{ url_for.__globals__.os }}{{ get_flashed_messages.__globals__ }}{{ config.items().x }}",
    "{% macro m() %}{{ caller.__globals__.os }}{% endmacro %}{% call m() %}x{% endcall %}"
    "{{ m.__globals__.os.mkdir('CANARY') }}",
    "{% for x in (1,) %}{{ loop.__init__.__globals__.os.mkdir('CANARY') }}{% endfor %}",
    "{{ (x for x in ()).gi_frame.f_globals }}{{ (messages|map('upper')).gi_frame.f_back }}",
    "{{ raise_exception.__code__.replace(co_code=b'') }}{{ strftime_now.__call__.__self__ }}",
    "{{ __import__('os').mkdir('CANARY') }}{{ eval(\"" + _RUN + '") }}',
    "{% set x = messages.__reduce_ex__(2) %}{{ x[0].__globals__ }}",
    "{{ ''.encode().__class__.fromhex('').__class__.__base__.__subclasses__() }}",
)

# What takes time or memory without end. Each must be over within 1.5 s.
BOMBS = {
    "nested loops": "{% for a in range(99999) %}{% for b in range(99999) %}"
    "{% endfor %}{% endfor %}",
    "long range": "{% for a in range(999999999999) %}x{% endfor %}",
    "string multiplication": "{{ 'x' * 10000000000 }}",
    "list multiplication": "{% set x = [0] * 10000000000 %}",
    "doubling text": "{% set n = namespace(t='x') %}{% for a in range(99) %}"
    "{% set n.t = n.t ~ n.t %}{% endfor %}{{ n.t|length }}",
    "huge power": "{{ 9 ** (9 ** 9) }}",
    "huge shift of digits": "{{ (10 ** 3000000)|string|length }}",
    "recursion": "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "recursive loop": "{% for a in [1] recursive %}{{ loop([1, 1]) }}{% endfor %}",
    "huge output": "{% for a in range(99999) %}{{ 'x' * 1000 }}{% endfor %}",
    "padding by format": "{{ '%1000000000s' % 'x' }}{{ '{:>9999999999}'.format(1) }}",
    "padding by filter": "{{ 'x'|center(9999999999) }}",
    "deep indentation": "{{ messages|tojson(indent=4000000000) }}",
    "nested macros": "{% macro a0() %}x{% endmacro %}"
    + "".join(
        f"{{% macro a{n}() %}}" + f"{{{{ a{n - 1}() }}}}" * 10 + "{% endmacro %}"
        for n in range(1, 12)
    )
    + "{{ a11() }}",
    "deep nesting": "{% if 1 %}" * 12_000 + "{% endif %}" * 12_000,
    "deep parentheses": "{{ " + "(" * 50_000 + "1" + ")" * 50_000 + " }}",
    "long chain": "{{ " + "+".join(["1"] * 60_000) + " }}",
    "slow pattern": "{{ ('<' * 90000 ~ 'a')|striptags }}{{ ('http://' ~ '.' * 200000)|urlize }}",
    "endless batches": "{% for a in range(99999) %}{{ range(99999)|batch(1)|list|length }}"
    "{% endfor %}",
    "refuses slowly": "{% for a in range(50000) %}{% set x = range(999)|list %}{% endfor %}"
    "{{ raise_exception('no') }}",
}


@pytest.mark.parametrize("payload", ESCAPES)
def test_escapes_from_the_sandbox_do_nothing(
    renderer: TemplateRenderer, payload: str, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    try:
        text = render(renderer, payload.replace("CANARY", str(canary)))
    except TemplateError:
        text = ""
    assert not canary.exists()
    assert not any(word in text for word in ("<class", "<function", "<module", "root:", "os.py"))
    assert render(renderer, "{{ messages[0].content }}") == "Hello"


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_ends_within_its_time(renderer: TemplateRenderer, bomb: str) -> None:
    assert render(renderer, "{{ 1 }}") == "1"  # the child is up: its start is not the bomb's
    began = time.monotonic()
    with pytest.raises(TemplateError):
        render(renderer, bomb, TALK)
    assert time.monotonic() - began <= 1.5
    assert render(renderer, CHATML).startswith("<|im_start|>user\nHello")


def test_a_killed_child_is_replaced(renderer: TemplateRenderer) -> None:
    render(renderer, CHATML)
    child = renderer._child
    assert child is not None
    child.kill()
    child.wait()
    assert render(renderer, "{{ messages[0].content }}") == "Hello"


def test_a_frozen_child_is_given_up_and_replaced(renderer: TemplateRenderer) -> None:
    render(renderer, CHATML)
    child = renderer._child
    assert child is not None
    child.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(TemplateError, match="1 s"):
        render(renderer, CHATML, (PromptMessage(Role.USER, "x" * 500_000),))
    assert time.monotonic() - began <= 1.5
    assert render(renderer, "{{ messages[0].content }}") == "Hello"


@pytest.fixture
def child(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The renderer's child, started in a folder with traps, under an environment with a secret."""
    for module in ("jinja2", "json", "datetime", "snug"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('a trap')")
    script = (
        "import sys\n"
        "from snug.engine.template import TemplateRenderer\n"
        "renderer = TemplateRenderer()\n"
        "print(renderer.render(sys.stdin.readline(), (), {}), flush=True)\n"
        "print(renderer._child.pid, flush=True)\n"
        "try:\n"
        "    renderer.render(sys.stdin.readline(), (), {})\n"
        "finally:\n"
        "    print('done', flush=True)\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-P", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env={**os.environ, "SNUG_SECRET": "do-not-pass", "PYTHONPATH": str(tmp_path / "x")},
    )
    yield parent
    parent.kill()
    parent.communicate()


def _tell(parent: subprocess.Popen[bytes], line: str) -> None:
    assert parent.stdin is not None
    parent.stdin.write(line.encode() + b"\n")
    parent.stdin.flush()


def _hear(parent: subprocess.Popen[bytes]) -> str:
    assert parent.stdout is not None
    return parent.stdout.readline().decode().strip()


def _gone_within(pid: int, seconds: float) -> bool:
    """Whether a process, not a child of ours, ends in time."""
    descriptor = os.pidfd_open(pid)
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_child_takes_no_module_or_variable_of_its_surroundings(
    child: subprocess.Popen[bytes],
) -> None:
    _tell(child, "{{ 40 + 2 }}")
    assert _hear(child) == "42"
    pid = _hear(child)
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    assert b"do-not-pass" not in environment
    assert {entry.split(b"=")[0] for entry in environment.split(b"\0") if entry} <= {b"PATH"}
    assert len(list(Path(f"/proc/{pid}/fd").iterdir())) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="waits on a pidfd")
def test_the_idle_child_ends_with_its_parent(child: subprocess.Popen[bytes]) -> None:
    _tell(child, "x")
    _hear(child)
    pid = int(_hear(child))
    child.kill()
    assert _gone_within(pid, 2.0)


@pytest.mark.skipif(sys.platform != "linux", reason="waits on a pidfd")
def test_a_child_in_an_endless_template_ends_with_its_parent(
    child: subprocess.Popen[bytes],
) -> None:
    _tell(child, "x")
    _hear(child)
    pid = int(_hear(child))
    _tell(child, BOMBS["nested loops"])
    state = Path(f"/proc/{pid}/stat")
    deadline = time.monotonic() + 0.8  # the parent itself would kill it after a second
    while state.read_text().rsplit(")", 1)[1].split()[0] != "R":
        assert time.monotonic() < deadline
    child.kill()
    assert _gone_within(pid, 2.5)


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")
def test_a_confined_process_opens_neither_file_nor_socket_nor_process() -> None:
    script = (
        "import json, os, socket\n"
        "from snug.engine import template_worker\n"
        "template_worker._confine()\n"
        "results = []\n"
        "for attempt in (lambda: open('/etc/hostname'), socket.socket,\n"
        "                lambda: os.open('made-by-child', os.O_CREAT | os.O_WRONLY)):\n"
        "    try:\n"
        "        attempt()\n"
        "        results.append('opened')\n"
        "    except OSError as error:\n"
        "        results.append(type(error).__name__)\n"
        "try:\n"
        "    bytearray(600 * 2**20)\n"
        "    results.append('taken')\n"
        "except MemoryError:\n"
        "    results.append('MemoryError')\n"
        "print(json.dumps(results))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True
    )
    *refused, memory = json.loads(done.stdout)
    # By the kernel's walls where it has them (PermissionError), by the limits elsewhere.
    assert [each in ("OSError", "PermissionError") for each in refused] == [True] * 3
    assert memory == "MemoryError"


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_rendering_makes_no_network_call(tmp_path: Path) -> None:
    log = tmp_path / "calls"
    script = (
        "from snug.engine.template import TemplateRenderer\n"
        "renderer = TemplateRenderer()\n"
        "print(renderer.render(\"{{ strftime_now('%c') }}{{ [1] | tojson }}\", (), {}))\n"
        "renderer.close()\n"
    )
    done = subprocess.run(
        ["strace", "-f", "-qq", "-e", "trace=network", "-o", log, sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )
    if "ptrace" in done.stderr:
        pytest.skip("this machine does not let strace trace")
    assert done.returncode == 0, done.stderr
    assert "[1]" in done.stdout
    assert not [line for line in log.read_text().splitlines() if "AF_INET" in line]
