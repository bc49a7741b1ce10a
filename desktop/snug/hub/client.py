"""huggingface_hub, with every byte through the gateway.

The library keeps one HTTP client for the whole process; ours sends each request through the
gateway that the calling context names, and refuses any other, so nothing that uses the library can
go out by itself. Answers other than success become errors here, before the library would wait and
try again for as long as the other side likes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from snug.domain.remote_names import shown
from snug.hub.errors import (
    AccessError,
    AnswerError,
    NetworkFault,
    RefusedError,
    UnknownRepositoryError,
)
from snug.hub.gateway import Document, Gateway, asked_wait_s

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import ModelInfo

T = TypeVar("T")

# What a listing needs of each repository; the Hub sends nothing else.
LISTED: Final = (
    "cardData",
    "downloads",
    "gated",
    "gguf",
    "lastModified",
    "likes",
    "pipeline_tag",
    "sha",
    "tags",
    "trendingScore",
)
_SILENCED: Final = (
    "HF_HUB_DISABLE_TELEMETRY",
    "HF_HUB_DISABLE_UPDATE_CHECK",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN",
    "HF_HUB_DISABLE_XET",
    "HF_HUB_DISABLE_PROGRESS_BARS",
    "DO_NOT_TRACK",
)
BUSY_S: Final = 60.0  # where the Hub asks for fewer requests and does not say for how long
_TAKEN_OVER: Final = frozenset({"accept"})


@dataclass(frozen=True, slots=True)
class _Errand:
    """On whose behalf the library asks."""

    gateway: Gateway
    reason: str
    authorize: bool
    stop: threading.Event | None


_ERRAND: ContextVar[_Errand | None] = ContextVar("hub_errand", default=None)


class HubClient:
    """The few questions that Snug asks the Hub. Any thread; calls block."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._lock = threading.Lock()
        self._api: HfApi | None = None

    def list_models(
        self,
        *,
        search: str,
        task: str,
        sort: str,
        limit: int,
        reason: str,
        gated: bool | None = None,
        stop: threading.Event | None = None,
        gguf: bool = True,
    ) -> list[ModelInfo]:
        """Repositories, one page. Raises: as `Gateway.fetch`, and `AnswerError`.

        Args:
            gguf: only those that hold GGUF files.
        """
        api = self._ready()
        found: Iterable[ModelInfo] = self._asked(
            lambda: list(
                api.list_models(
                    filter="gguf" if gguf else None,
                    search=search or None,
                    pipeline_tag=task or None,
                    sort=sort,  # type: ignore[arg-type] # an Order's value
                    limit=limit,
                    gated=gated,
                    expand=list(LISTED),
                )
            ),
            _Errand(self._gateway, reason, False, stop),
        )
        return list(found)

    def model_info(
        self, repository: str, *, files: bool, reason: str, stop: threading.Event | None = None
    ) -> ModelInfo:
        """One repository, with sizes and checksums where `files` is set.

        Asks without the token first, so that the Hub learns who asks only where it must.

        Raises:
            UnknownRepositoryError, AccessError, AnswerError; otherwise as `Gateway.fetch`.
        """
        api = self._ready()

        def ask(authorize: bool) -> ModelInfo:
            return self._asked(
                lambda: api.model_info(repository, files_metadata=files),
                _Errand(self._gateway, reason, authorize, stop),
            )

        try:
            return ask(False)
        except (UnknownRepositoryError, AccessError):
            if not self._gateway.has_token:
                raise
            return ask(True)

    def _asked(self, question: Callable[[], T], errand: _Errand) -> T:
        before = _ERRAND.set(errand)
        try:
            return question()
        except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
            # The library takes the Hub's word for every type.
            raise AnswerError("The Hub's answer makes no sense. Try again later.") from error
        finally:
            _ERRAND.reset(before)

    def _ready(self) -> HfApi:
        with self._lock:
            endpoint = self._gateway.policy.endpoint  # the person may choose another mirror
            if self._api is None or self._api.endpoint != endpoint:
                self._api = _make_api(endpoint)
            return self._api


def silence() -> None:
    """Turn off all that huggingface_hub would do by itself. Before it is imported."""
    for name in _SILENCED:
        os.environ[name] = "1"


def _make_api(endpoint: str) -> HfApi:
    silence()
    # Late: it takes 0.2 s, and reads the environment when it is imported.
    import httpx2 as httpx  # the one that huggingface_hub 2 comes with
    from huggingface_hub import HfApi, set_client_factory

    class Transport(httpx.BaseTransport):
        """Sends through the gateway of the calling context."""

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            errand = _ERRAND.get()
            if errand is None or request.method != "GET":
                raise RefusedError("Snug refused a request that did not come from its own page.")
            headers = {k: v for k, v in request.headers.items() if k.lower() in _TAKEN_OVER}
            document = errand.gateway.fetch(
                str(request.url),
                errand.reason,
                headers=headers,
                authorize=errand.authorize,
                stop=errand.stop,
            )
            check_status(document)
            errand.gateway.read_json(document.body)
            # Only the type of the content: no cookies, and no link to follow for ever.
            kind = {"Content-Type": "application/json"}
            return httpx.Response(document.status, headers=kind, content=document.body)

    set_client_factory(lambda: httpx.Client(transport=Transport(), trust_env=False))
    return HfApi(endpoint=endpoint, token=False, library_name="snug")


def check_status(document: Document) -> None:
    """Turn what is no success into an error for the person.

    Raises:
        UnknownRepositoryError, AccessError, NetworkFault, AnswerError.
    """
    status, code = document.status, document.headers.get("X-Error-Code", "")
    if status == 200:
        return
    if code == "GatedRepo" or status == 403:
        raise AccessError("The Hub wants to know who asks before it shows this.")
    if status in (401, 404):
        # The Hub answers 401 for what does not exist, so that nobody learns of private ones.
        raise UnknownRepositoryError(
            "The Hub knows no such model, or it is private. Check the name; for a private one "
            "give Snug a token in Settings, or set HF_TOKEN."
        )
    if status == 429:
        raise NetworkFault(
            "The Hub asks for fewer requests. Wait a few minutes, then try again.",
            asked_wait_s(document.headers) or BUSY_S,
        )
    if status >= 500 or status == 408:
        raise NetworkFault(f"The Hub has a fault of its own (HTTP {status}). Try again later.")
    raise AnswerError(f"The Hub refused the request (HTTP {shown(str(status))}).")
