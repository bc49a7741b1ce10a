"""What a repository tells of itself: its page, its README, its chat template; bounded and cited.

Each look costs three or four requests. What cannot be read is said, not raised: a card is made of
what there is.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

from snug.domain.hub import RemoteFile
from snug.domain.licence import LicenceFacts
from snug.domain.model_card import Base, PageState, Quote, Relation, RepositoryPage
from snug.domain.remote_names import shown
from snug.domain.template_diff import MAX_TEMPLATE
from snug.hub import front_matter
from snug.hub.client import HubClient, check_status
from snug.hub.errors import (
    AccessError,
    AnswerError,
    NetworkFault,
    OfflineError,
    RefusedError,
    UnknownRepositoryError,
)
from snug.hub.front_matter import FrontMatterError, Value, texts
from snug.hub.gateway import Document, Gateway
from snug.hub.reading import facts_of, repository_of
from snug.hub.readme import training_quotes

MAX_README: Final = 512 * 1024
MAX_CONFIG: Final = 4 * 1024 * 1024  # tokenizer_config.json lists every added token
_MOST: Final = 24
_LENGTH: Final = 200
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9._-]{1,96}")
_RELATED: Final = re.compile(r"base_model:(quantized|finetune|adapter|merge):(.+)")
_PICKLE: Final = re.compile(r"\.(?:bin|pt|pth|ckpt|pkl|pickle|joblib|h5|npy)$", re.IGNORECASE)
_NO_LANGUAGE: Final = frozenset({"multilingual", "code"})


class CardReader:
    """Looks at repositories. Any thread; calls block.

    Raises (all methods): StoppedError.
    """

    def __init__(self, gateway: Gateway, client: HubClient | None = None) -> None:
        """Prepare; nothing is opened.

        Args:
            client: the one that the room has already; None makes one.
        """
        self._gateway = gateway
        self._client = client or HubClient(gateway)

    def page(
        self,
        repository: str,
        commit: str = "",
        stop: threading.Event | None = None,
        *,
        template: bool = True,
    ) -> RepositoryPage:
        """All that a repository tells; `state` and `problem` say what could not be read.

        Args:
            commit: the state to read; "" takes the newest.
            template: whether to look for its chat template, which takes a request or two.
        """
        try:
            info = self._client.model_info(
                repository, files=True, reason=f"card of {repository}", stop=stop
            )
            found = repository_of(info)
            if found is None or not found.commit:
                raise AnswerError(f"The Hub's answer about {repository} makes no sense.")
        except AccessError:
            return RepositoryPage(repository, PageState.GATED, problem=_gated(repository))
        except UnknownRepositoryError:
            sentence = f"{repository} is not on the Hub, or is private."
            return RepositoryPage(repository, PageState.MISSING, problem=sentence)
        except (OfflineError, NetworkFault, RefusedError, AnswerError) as error:
            return RepositoryPage(repository, PageState.UNREACHABLE, problem=error.message)
        names = _names(info)
        at = commit or found.commit
        readme, problem = self._readme(repository, at, names, stop)
        stated = _Readme(readme, repository)
        own = _gguf_template(info) if at == found.commit else ""
        state = PageState.READ
        if template and not own:
            own, state, more = self._template(repository, at, names, stop)
            problem = problem or more
        facts, bases = facts_of(info), _bases(info, stated)
        return RepositoryPage(
            repository=found.id,
            state=state,
            commit=at,
            facts=LicenceFacts(
                facts.id, facts.name, facts.link, tuple(base.repository for base in bases)
            ),
            bases=bases,
            datasets=stated.datasets or _tagged(info, "dataset:"),
            languages=stated.languages,
            tasks=_tasks(info, stated),
            training=stated.training,
            files=tuple(_model_files(found.variants, found.projectors)),
            pickles=tuple(shown(name) for name in names if _PICKLE.search(name))[:_MOST],
            template=own,
            architecture=found.architecture,
            parameter_count=found.parameter_count,
            context_length=found.context_length,
            gated=found.gated,
            problem=problem or stated.problem,
        )

    def _readme(
        self, repository: str, commit: str, names: tuple[str, ...], stop: threading.Event | None
    ) -> tuple[str, str]:
        """The README's text, and why it could not be read."""
        if names and "README.md" not in names:
            return "", ""
        try:
            body = self._get(repository, commit, "README.md", MAX_README, stop)
        except UnknownRepositoryError:
            return "", ""
        except AccessError:
            return "", _gated(repository)
        except (OfflineError, NetworkFault, RefusedError, AnswerError) as error:
            return "", f"The page of {repository} could not be read. {error.message}"
        return body.decode("utf-8", "replace"), ""

    def _template(
        self, repository: str, commit: str, names: tuple[str, ...], stop: threading.Event | None
    ) -> tuple[str, PageState, str]:
        """The template of a repository's own files, what came of looking, and why."""
        for name in ("chat_template.jinja", "tokenizer_config.json"):
            if names and name not in names:
                continue
            try:
                body = self._get(repository, commit, name, MAX_CONFIG, stop)
            except UnknownRepositoryError:
                continue
            except AccessError:
                return "", PageState.GATED, _gated(repository)
            except (OfflineError, NetworkFault, RefusedError, AnswerError) as error:
                sentence = f"The chat template of {repository} could not be read. {error.message}"
                return "", PageState.READ, sentence
            if name.endswith(".jinja"):
                return body.decode("utf-8", "replace")[:MAX_TEMPLATE], PageState.READ, ""
            found = self._of_config(body)
            if found:
                return found, PageState.READ, ""
        return "", PageState.READ, ""

    def _of_config(self, body: bytes) -> str:
        """The `chat_template` of a tokenizer_config.json: a text, or the default one of a list."""
        try:
            config = self._gateway.read_json(body)
        except AnswerError:
            return ""
        found = config.get("chat_template") if isinstance(config, dict) else None
        if isinstance(found, list):
            named = {
                str(one.get("name")): one.get("template") for one in found if isinstance(one, dict)
            }
            found = named.get("default")
        return found[:MAX_TEMPLATE] if isinstance(found, str) else ""

    def _get(
        self, repository: str, commit: str, name: str, most: int, stop: threading.Event | None
    ) -> bytes:
        """The beginning of a file, at most `most` bytes; with the token only where it must."""
        try:
            return self._ask(repository, commit, name, most, False, stop)
        except AccessError:
            if not self._gateway.has_token:
                raise
            return self._ask(repository, commit, name, most, True, stop)

    def _ask(
        self,
        repository: str,
        commit: str,
        name: str,
        most: int,
        authorize: bool,
        stop: threading.Event | None,
    ) -> bytes:
        url = f"{self._gateway.policy.endpoint}/{repository}/resolve/{commit}/{quote(name)}"
        deadline = time.monotonic() + self._gateway.limits.document_s
        reason = f"card of {repository}"
        with self._gateway.open(
            url, reason, authorize=authorize, stop=stop, deadline=deadline
        ) as reply:
            check_status(Document(reply.status, reply.headers, b""))
            body = bytearray()
            while len(body) < most and (data := reply.read(min(64 * 1024, most - len(body)))):
                body += data
        return bytes(body)


class _Readme:
    """What a README states in its front matter and its sections."""

    def __init__(self, text: str, repository: str) -> None:
        self.problem = ""
        self.training: tuple[Quote, ...] = ()
        values: dict[str, Value] = {}
        try:
            head, body = front_matter.split(text)
        except FrontMatterError as error:
            self.problem = _odd(repository, error)
        else:
            self.training = training_quotes(body, repository)
            try:
                values = front_matter.read(head)
            except FrontMatterError as error:
                self.problem = _odd(repository, error)
        self.datasets = _lines(values.get("datasets"))
        self.languages = tuple(
            one.lower() for one in _lines(values.get("language")) if len(one) <= 16
        )
        self.tasks = _lines(values.get("pipeline_tag"))
        self.bases = tuple(
            one for one in texts(values.get("base_model"), 8, _LENGTH) if _ID.fullmatch(one)
        )
        relation = values.get("base_model_relation")
        known = isinstance(relation, str) and relation.lower() in tuple(Relation)
        self.relation = Relation(str(relation).lower()) if known else Relation.UNKNOWN


def _bases(info: Any, stated: _Readme) -> tuple[Base, ...]:
    """What it was made from: as the Hub worked out in its tags, else as the README says."""
    tags = getattr(info, "tags", None)
    related: dict[str, Relation] = {}
    for tag in tags[:500] if isinstance(tags, list) else ():
        match = _RELATED.fullmatch(tag[:_LENGTH]) if isinstance(tag, str) else None
        if match is not None:
            related[match.group(2)] = Relation(match.group(1))
    names = dict.fromkeys((*stated.bases, *facts_of(info).base_models))
    return tuple(
        Base(name, related.get(name, stated.relation))
        for name in names
        if _ID.fullmatch(name) is not None
    )[:8]


def _model_files(variants: Iterable[Any], projectors: tuple[RemoteFile, ...]) -> list[RemoteFile]:
    return [*(file for variant in variants for file in variant.files), *projectors]


def _names(info: Any) -> tuple[str, ...]:
    """The paths of all files."""
    siblings = getattr(info, "siblings", None)
    found = (getattr(one, "rfilename", None) for one in (siblings or ())[:5000])
    return tuple(name for name in found if isinstance(name, str))


def _gguf_template(info: Any) -> str:
    """The template that the Hub read from the model's own file."""
    gguf = getattr(info, "gguf", None)
    found = gguf.get("chat_template") if isinstance(gguf, dict) else None
    return found[:MAX_TEMPLATE] if isinstance(found, str) else ""


def _tagged(info: Any, start: str) -> tuple[str, ...]:
    tags = getattr(info, "tags", None)
    if not isinstance(tags, list):
        return ()
    found = (
        tag.removeprefix(start) for tag in tags if isinstance(tag, str) and tag.startswith(start)
    )
    return tuple(shown(one, _LENGTH) for one in found)[:_MOST]


def _tasks(info: Any, stated: _Readme) -> tuple[str, ...]:
    task = getattr(info, "pipeline_tag", None)
    own = (shown(task, 60),) if isinstance(task, str) and task else ()
    return tuple(dict.fromkeys((*own, *stated.tasks)))


def _lines(value: Value | None) -> tuple[str, ...]:
    found = (shown(one, _LENGTH) for one in texts(value, _MOST, 4 * _LENGTH))
    return tuple(one for one in found if one)


def _gated(repository: str) -> str:
    return (
        f"{repository} is gated: its makers want to know who asks. Accept its conditions on its "
        "page and give Snug a token to see this part."
    )


def _odd(repository: str, error: FrontMatterError) -> str:
    return f"The head of the page of {repository} was left out: {error}."
