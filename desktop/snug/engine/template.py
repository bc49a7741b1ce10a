"""Chat templates, rendered in a child process that may die without costing anything."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from snug.domain.conversation import Role
from snug.domain.errors import TemplateError
from snug.domain.prompt import PromptMessage

RENDER_TIMEOUT_S = 1.0
START_TIMEOUT_S = 20.0  # a cold disk may take long to bring the interpreter
MAX_TEMPLATE_BYTES = 256 * 1024

# For a base model without a template: a plain transcript that any text model can go on with.
FALLBACK_TEMPLATE = (
    "{% for m in messages %}"
    "{% if m.role == 'system' %}{{ m.content }}\n\n"
    "{% elif m.role == 'user' %}User: {{ m.content }}\n"
    "{% else %}Assistant: {{ m.content }}\n{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)
FALLBACK_STOPS = ("\nUser:",)


class TemplateRenderer:
    """Owns the rendering child; starts it when needed, kills it when it is slow.

    Used on the engine's thread only, except `warm_up` and `close`.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._fresh = True
        self._lock = threading.Lock()

    def warm_up(self) -> None:
        """Start the child now, so that the first prompt need not wait for it."""
        with self._lock:
            self._start()

    def render(
        self, template: str, messages: Sequence[PromptMessage], variables: dict[str, Any]
    ) -> str:
        """The prompt text.

        A template that refuses a system message gets it again inside the first message.

        Raises:
            TemplateError: too large, invalid, too slow, forbidden, or it refused.
        """
        if len(template.encode()) > MAX_TEMPLATE_BYTES:
            raise TemplateError(
                f"The model's chat template is {len(template) // 1024} KB long; "
                f"{MAX_TEMPLATE_BYTES // 1024} KB is the limit."
            )
        result = self._ask(template, messages, variables)
        if "refused" in result and any(m.role is Role.SYSTEM for m in messages):
            result = self._ask(template, without_system(messages), variables)
        if "error" in result:
            raise TemplateError(f"The model's chat template failed: {result['error']}.")
        return result["text"]

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._kill()

    def _ask(
        self, template: str, messages: Sequence[PromptMessage], variables: dict[str, Any]
    ) -> dict[str, str]:
        job = {
            "template": template,
            "messages": [{"role": m.role.value, "content": m.text} for m in messages],
            "variables": variables,
        }
        line = json.dumps(job).encode() + b"\n"
        with self._lock:
            reply = self._exchange(line) or self._exchange(line, retry=True)
        if reply is None:
            raise TemplateError(
                "The model's chat template took more than 1 s or too much memory and was stopped. "
                "The file may be damaged or hostile; use another one of this model."
            )
        answer: dict[str, str] = json.loads(reply)
        return answer

    def _exchange(self, line: bytes, retry: bool = False) -> bytes | None:
        """Send a job, return the reply; None where the child died or was too slow.

        A second try is made only where the child had not started yet: a slow start is not the
        template's fault.
        """
        if retry and not self._fresh:
            return None
        self._start()
        child = self._child
        if child is None or child.stdin is None or child.stdout is None:
            return None
        limit_s = START_TIMEOUT_S if self._fresh else RENDER_TIMEOUT_S
        try:
            if self._fresh:  # the first reply also proves that it has started
                _send(child, b'{"template": "", "messages": [], "variables": {}}\n')
                if _receive(child, limit_s) is None:
                    self._kill()
                    return None
                self._fresh = False
            _send(child, line)
            reply = _receive(child, RENDER_TIMEOUT_S)
        except OSError:
            reply = None
        if reply is None:
            self._kill()
            self._fresh = False
        return reply

    def _start(self) -> None:
        if self._child is not None and self._child.poll() is None:
            return
        self._kill()
        self._fresh = True
        environment = {"PATH": os.environ.get("PATH", ""), "PYTHONUTF8": "1"}
        if "SYSTEMROOT" in os.environ:
            environment["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
        self._child = subprocess.Popen(
            [sys.executable, "-m", "snug.engine.template_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            bufsize=0,
        )

    def _kill(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
        child.wait(timeout=5.0)


def without_system(messages: Sequence[PromptMessage]) -> tuple[PromptMessage, ...]:
    """The system message in front of the first message of the person, for models without one."""
    system = "\n\n".join(m.text for m in messages if m.role is Role.SYSTEM)
    rest = [m for m in messages if m.role is not Role.SYSTEM]
    for index, message in enumerate(rest):
        if message.role is Role.USER:
            rest[index] = PromptMessage(Role.USER, f"{system}\n\n{message.text}")
            break
    return tuple(rest)


def _send(child: subprocess.Popen[bytes], line: bytes) -> None:
    if child.stdin is None:
        raise BrokenPipeError
    view = memoryview(line)
    while view:
        view = view[os.write(child.stdin.fileno(), view) :]


def _receive(child: subprocess.Popen[bytes], timeout_s: float) -> bytes | None:
    """One line within the time; None at its end, or when the child is gone."""
    if child.stdout is None:
        return None
    deadline = time.monotonic() + timeout_s
    reply = bytearray()
    descriptor = child.stdout.fileno()
    while not reply.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            return None
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            return None
        reply += chunk
    return bytes(reply)
