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

from snug.domain.errors import EnvironmentFault, TemplateError
from snug.domain.prompt import PromptMessage
from snug.engine.template_shapes import Attempt, attempts

RENDER_TIMEOUT_S = 1.0
START_TIMEOUT_S = 20.0  # a cold disk may take long to bring the interpreter
MAX_TEMPLATE_BYTES = 256 * 1024
_GREETING = b'{"template": "", "messages": [], "variables": {}}\n'

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
    """Owns the rendering child; starts it when needed, kills it when it is slow. Any thread."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._greeted = False  # it has answered once: what comes late now is the template's fault
        self._lock = threading.Lock()

    def warm_up(self) -> None:
        """Start the child now, so that the first prompt need not wait for it."""
        with self._lock:
            self._start()

    def render(
        self, template: str, messages: Sequence[PromptMessage], variables: dict[str, Any]
    ) -> str:
        """The prompt text.

        A template that refuses the conversation or fails on it gets it again in the shapes that
        strict templates want (see `attempts`), all within one second.

        Args:
            variables: what the template sees by name; "tools" is a list of functions or None.

        Raises:
            TemplateError: too large, invalid, too slow, forbidden, or it refused.
            EnvironmentFault: the rendering process did not start.
        """
        size_bytes = len(template.encode(errors="replace"))
        if size_bytes > MAX_TEMPLATE_BYTES:
            raise TemplateError(
                f"The model's chat template is {size_bytes // 1024} KB long; "
                f"{MAX_TEMPLATE_BYTES // 1024} KB is the limit."
            )
        with self._lock:
            self._make_ready()
            deadline = time.monotonic() + RENDER_TIMEOUT_S
            first: dict[str, str] = {}  # what it wrote first, else why it failed at first
            for attempt in attempts(messages, variables):
                result = self._ask(template, attempt, deadline)
                if not first or ("text" in result and "text" not in first):
                    first = result
                if "text" in result and attempt.shows(result["text"]):
                    return result["text"]
                if "hopeless" in result:
                    break
        if "text" in first:  # it hides the newest message in every shape, so it means to
            return first["text"]
        raise TemplateError(f"The model's chat template failed: {first['error']}.")

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._kill()

    def _ask(
        self,
        template: str,
        attempt: Attempt,
        deadline: float,
    ) -> dict[str, str]:
        job = {
            "template": template,
            "messages": attempt.messages,
            "variables": attempt.variables,
        }
        reply = self._exchange(json.dumps(job).encode() + b"\n", deadline)
        if reply is None:
            raise TemplateError(
                "The model's chat template took more than 1 s or too much memory and was stopped. "
                "The file may be damaged or hostile; use another one of this model."
            )
        answer: dict[str, str] = json.loads(reply)
        return answer

    def _make_ready(self) -> None:
        """A child that answers. A slow start is not the template's fault, and so it comes first."""
        self._start()
        if self._greeted:
            return
        deadline = time.monotonic() + START_TIMEOUT_S
        if self._exchange(_GREETING, deadline) is None:
            raise EnvironmentFault(
                "Snug could not start its process for chat templates. Close other programs and "
                "try again."
            )
        self._greeted = True

    def _exchange(self, line: bytes, deadline: float) -> bytes | None:
        """Send a job, return the reply; None, and no child, where it died or was too slow."""
        child = self._child
        if child is None or child.stdin is None or child.stdout is None:
            return None
        try:
            if _send(child.stdin.fileno(), line, deadline):
                reply = _receive(child.stdout.fileno(), deadline)
            else:
                reply = None
        except OSError:
            reply = None
        if reply is None:
            self._kill()
        return reply

    def _start(self) -> None:
        if self._child is not None and self._child.poll() is None:
            return
        self._kill()
        environment = {"PATH": os.environ.get("PATH", "")}
        if "SYSTEMROOT" in os.environ:
            environment["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
        # Isolated: no module of the folder that Snug was started in takes the place of ours.
        self._child = subprocess.Popen(
            [sys.executable, "-I", "-X", "utf8", "-m", "snug.engine.template_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            bufsize=0,
        )
        if self._child.stdin is not None:
            os.set_blocking(self._child.stdin.fileno(), False)

    def _kill(self) -> None:
        child, self._child = self._child, None
        self._greeted = False
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
        child.wait(timeout=5.0)


def _send(descriptor: int, line: bytes, deadline: float) -> bool:
    """Write it all to a pipe that does not block; False where the time was over before."""
    view = memoryview(line)
    while view:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([], [descriptor], [], left)[1]:
            return False
        view = view[os.write(descriptor, view) :]
    return True


def _receive(descriptor: int, deadline: float) -> bytes | None:
    """One line within the time; None at its end, or when the child is gone."""
    reply = bytearray()
    while not reply.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            return None
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            return None
        reply += chunk
    return bytes(reply)
