"""Child process: renders chat templates. A template is a program from a stranger.

Jinja's sandbox stops code execution but not endless loops or floods, so rendering happens here:
no file or socket beyond the standard three, little memory, a parent that kills after a second, and
an alarm that ends the process where the parent itself is gone.
Speaks JSON lines: {"template", "messages", "variables"} in; {"text"} or {"error"} out.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import json
import signal
import sys
from typing import Any, NoReturn

from jinja2 import Template, TemplateError, Undefined
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.nodes import Node
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from snug.engine.sandbox import Rules, confine

MEMORY_BYTES = 512 * 2**20
MAX_OUTPUT_BASE = 64 * 1024  # plus four times the input
_FAULTS = (
    *(TemplateError, ArithmeticError, LookupError, TypeError, ValueError),
    *(AttributeError, RecursionError, OSError),
)
ALARM_S = 1.5  # the parent gives up after 1 s, and kills, where it is still there


class Refused(Exception):
    """The template itself refuses the conversation (`raise_exception`)."""


class _TooLong(Exception):
    """The template wrote too much."""


class _Generation(Extension):
    """`{% generation %}` marks, for training, what the model wrote; here it changes nothing."""

    tags = {"generation"}  # noqa: RUF012 - Jinja reads a class attribute

    def parse(self, parser: Parser) -> Node | list[Node]:
        """The statements between the two tags, as they are."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def environment() -> ImmutableSandboxedEnvironment:
    """The environment that Hugging Face's own renderer uses, without anything of the host."""
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[loopcontrols, _Generation],
        undefined=Undefined,
    )
    env.globals.pop("lipsum", None)
    env.filters["tojson"] = _to_json
    env.globals["raise_exception"] = _refuse
    env.globals["strftime_now"] = lambda form: (
        datetime.datetime.now().astimezone().strftime(str(form)[:64])
    )
    return env


def render(env: ImmutableSandboxedEnvironment, job: dict[str, Any]) -> str:
    """The prompt text of one job, at most 4 × the input + 64 KiB long."""
    messages = job["messages"]
    limit = MAX_OUTPUT_BASE + 4 * _text_length([messages, job["variables"].get("tools")])
    pieces: list[str] = []
    length = 0
    for piece in _compiled(env, job["template"]).generate(messages=messages, **job["variables"]):
        length += len(piece)
        if length > limit:
            raise _TooLong(f"it wrote more than {limit} characters")
        pieces.append(piece)
    return "".join(pieces)


def _text_length(value: Any) -> int:
    """Characters of all texts of a JSON value that a person or a tool wrote: not its roles."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return sum(map(_text_length, value))
    if isinstance(value, dict):
        return sum(_text_length(item) for key, item in value.items() if key not in ("role", "type"))
    return 0


@functools.lru_cache(maxsize=4)
def _compiled(env: ImmutableSandboxedEnvironment, template: str) -> Template:
    return env.from_string(template)


def answer(env: ImmutableSandboxedEnvironment, line: str) -> dict[str, str]:
    """One job's result, or its error in words."""
    try:
        return {"text": render(env, json.loads(line))}
    except Refused as error:
        return {"error": str(error) or "it refused this conversation"}
    except _TooLong as error:
        return {"error": str(error), "hopeless": "yes"}
    except (MemoryError, RecursionError) as error:
        return {"error": _why(error), "hopeless": "yes"}
    except SecurityError as error:
        return {"error": _why(error)}
    except _FAULTS as error:
        return {"error": _why(error)}


def _why(error: BaseException) -> str:
    if isinstance(error, SecurityError):
        return f"it tried something forbidden ({error})"
    if isinstance(error, MemoryError):
        return "it needed more memory than a template may have"
    return f"{type(error).__name__}: {error}"[:300].rstrip(".")


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _refuse(message: object = "") -> NoReturn:
    raise Refused(str(message)[:300])


def _confine() -> None:
    """No file, no socket, no new process; walls of the kernel where it has them, then limits."""
    confine(Rules(programs=False))
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no `resource`
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _warm_up(env: ImmutableSandboxedEnvironment) -> None:
    """Make Jinja and the C library open what they read late, before that is forbidden."""
    env.from_string(
        "{{ x | tojson }}{{ strftime_now('%c') }}{{ x | striptags }}{{ x | pprint }}"
        "{{ x | wordwrap }}{{ x | urlencode }}{{ x | urlize }}"
    ).render(x="<a>")
    with contextlib.suppress(TemplateError, ArithmeticError):
        env.from_string("{{ 1 / 0 }}").render()


def _set_alarm(seconds: float) -> None:
    if hasattr(signal, "setitimer"):  # Windows has none
        signal.setitimer(signal.ITIMER_REAL, seconds)


def main() -> None:
    """Answer jobs until standard input ends (the parent is gone)."""
    env = environment()
    _warm_up(env)
    _confine()
    for line in sys.stdin:
        _set_alarm(ALARM_S)
        reply = json.dumps(answer(env, line))
        _set_alarm(0.0)
        sys.stdout.write(reply + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
