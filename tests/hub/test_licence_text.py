"""The text of a licence: from the link, the repository, or its base models; always plain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.hub.hub_server import Handler, HubServer, Repo, gguf_bytes
from tests.hub.rooms import Rooms

from snug.domain.errors import NotFoundError
from snug.hub.licence_text import MAX_BYTES, licence_files, plain_text

MODEL = {"m-Q4_0.gguf": gguf_bytes(500)}


def offer(hub: HubServer, name: str, files: dict[str, bytes], **more: Any) -> Repo:
    hub.repos[name] = Repo(files=MODEL | files, tags=["gguf", *more.pop("tags", [])], **more)
    return hub.repos[name]


def text_of(rooms: Rooms, name: str) -> str:
    return rooms.catalogue.licence_text(rooms.catalogue.repository(name))


def test_the_repositorys_own_file(rooms: Rooms, hub: HubServer) -> None:
    offer(hub, "m/a", {"LICENSE": b"Be kind.", "README.md": b"x"}, card={"license": "mit"})
    assert text_of(rooms, "m/a") == "Be kind."
    assert any("/resolve/aaaa" in seen.path for seen in hub.seen)
    assert rooms.ledger.entries()[-1].reason == "licence of m/a"


def test_the_base_models_file_where_the_licence_is_inherited(rooms: Rooms, hub: HubServer) -> None:
    offer(hub, "q/a", {"LICENSE": b"Of the quantizer's code."}, tags=["base_model:m/tuned"])
    offer(hub, "m/tuned", {}, card={"base_model": "m/base"})
    offer(hub, "m/base", {"LICENSE.txt": b"The base's."}, card={"license": "gemma"})
    assert text_of(rooms, "q/a") == "The base's."


def test_the_base_models_file_where_the_repository_has_none(rooms: Rooms, hub: HubServer) -> None:
    offer(hub, "q/a", {}, card={"license": "mit", "base_model": "m/base"})
    offer(hub, "m/base", {"LICENCE.md": b"# MIT"})
    assert text_of(rooms, "q/a") == "# MIT"


@pytest.mark.parametrize(
    "link",
    [
        "https://huggingface.co/m/other/blob/main/terms/USE.txt",
        "https://huggingface.co/m/other/raw/main/terms/USE.txt",
        "{url}/m/other/resolve/main/terms/USE.txt?download=true",
    ],
)
def test_a_link_to_a_file_on_the_hub(rooms: Rooms, hub: HubServer, link: str) -> None:
    card = {"license": "other", "license_name": "x", "license_link": link.format(url=hub.url)}
    offer(hub, "m/a", {"LICENSE": b"Not this one."}, card=card)
    offer(hub, "m/other", {"terms/USE.txt": b"The linked one."})
    assert text_of(rooms, "m/a") == "The linked one."


def test_a_link_within_the_repository(rooms: Rooms, hub: HubServer) -> None:
    offer(hub, "m/a", {"USE.md": b"Ours."}, card={"license": "other", "license_link": "USE.md"})
    assert text_of(rooms, "m/a") == "Ours."


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/m/a/blob/main/LICENSE",
        "file:///etc/passwd",
        "../../../etc/passwd",
        "https://huggingface.co/m/a/blob/main/../../x",
        "http://[::1",
        "javascript:alert(1)",
        "LICENSE\u202e",
        "https://huggingface.co/m/gone/blob/main/LICENSE",
    ],
)
def test_other_links_are_not_followed_and_the_file_beside_is_shown(
    rooms: Rooms, hub: HubServer, link: str
) -> None:
    card = {"license": "other", "license_name": "x", "license_link": link}
    offer(hub, "m/a", {"LICENSE": b"Beside."}, card=card)
    assert text_of(rooms, "m/a") == "Beside."
    assert {e.host for e in rooms.ledger.entries()} == {hub.url.removeprefix("http://")}


def test_where_there_is_no_text_it_is_said_where_it_may_be(rooms: Rooms, hub: HubServer) -> None:
    card = {"license": "gemma", "license_link": "https://ai.google.dev/gemma/terms"}
    offer(hub, "m/a", {}, card=card)
    with pytest.raises(NotFoundError, match=r"gemma .* https://ai.google.dev/gemma/terms"):
        text_of(rooms, "m/a")
    offer(hub, "m/b", {})
    with pytest.raises(NotFoundError, match="states no licence"):
        text_of(rooms, "m/b")


def html(handler: Handler) -> None:
    handler.send_file(b"<!DOCTYPE html><p>Log in")


def missing(handler: Handler) -> None:
    handler.json({}, 404)


@pytest.mark.parametrize("answer", [html, missing])
def test_a_page_or_a_hole_instead_of_the_file_is_no_text(
    rooms: Rooms, hub: HubServer, answer: Callable[[Handler], None]
) -> None:
    offer(hub, "m/a", {"LICENSE": b"x"}, card={"license": "mit", "base_model": "m/base"})
    offer(hub, "m/base", {"LICENSE": b"The base's."})
    hub.answers["/m/a/resolve"] = answer
    assert text_of(rooms, "m/a") == "The base's."


def test_a_text_without_end_is_cut_short(rooms: Rooms, hub: HubServer) -> None:
    offer(hub, "m/a", {"LICENSE": b"x"}, card={"license": "mit"})

    def endless(handler: Handler) -> None:
        handler.start(200, {})
        while True:
            handler.wfile.write(b"word " * 10_000)

    hub.answers["/m/a/resolve"] = endless
    text = text_of(rooms, "m/a")
    assert MAX_BYTES < len(text) < MAX_BYTES + 200
    assert text.endswith("longer than 524,288 bytes.]")


def test_what_a_screen_would_obey_is_taken_out() -> None:
    raw = "\ufeffA\r\nB\tC\x1b[31m\u202eD\u2066\x00\ue000\U000e0041".encode() + b"\xff"
    assert plain_text(raw) == "A\nB\tC[31mD\ufffd"


@pytest.mark.parametrize("odd", [None, 5, "x", [None, 5, {}], [object()]])
def test_a_senseless_list_of_files_holds_no_licence(odd: Any) -> None:
    assert list(licence_files(odd)) == []
