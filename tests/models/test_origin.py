"""Where a file says it comes from."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.models.gguf_maker import TEXT, U32, GgufMaker, sound

from snug.domain.model_card import Base, FileOrigin, Relation
from snug.models.origin import read_origin


def origin(made: GgufMaker, folder: Path) -> FileOrigin:
    return read_origin(made.write(folder / "m.gguf"))


def test_author_base_models_data_and_licence_are_read(tmp_path: Path) -> None:
    made = sound()
    for key, content in (
        ("author", "Ada"),
        ("organization", "Maker"),
        ("quantized_by", "Quant"),
        ("license", "Apache-2.0"),
        ("license.name", "own"),
        ("base_model.0.name", "Tiny"),
        ("base_model.0.repo_url", "https://huggingface.co/maker/tiny"),
        ("base_model.1.name", "no place"),
        ("dataset.0.repo_url", "https://huggingface.co/datasets/maker/chats"),
        ("dataset.1.name", "Books"),
        ("repo_url", "https://huggingface.co/quant/tiny-GGUF"),
    ):
        made.set(f"general.{key}", TEXT, content)
    made.set("general.base_model.count", U32, 2).set("general.dataset.count", U32, 2)
    made.set_array("general.languages", TEXT, ["en", "de", "en"])
    found = origin(made, tmp_path)
    assert (found.author, found.organization, found.quantized_by) == ("Ada", "Maker", "Quant")
    assert (found.licence_id, found.licence_name) == ("apache-2.0", "own")
    assert found.bases == (Base("maker/tiny", Relation.QUANTIZED),)
    assert found.datasets == ("maker/chats", "Books")
    assert found.languages == ("en", "de")
    assert found.repository == "quant/tiny-GGUF"


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/maker/tiny",
        "https://huggingface.co/../x",
        "file:///etc/passwd",
        "a/b/c",
    ],
)
def test_an_address_elsewhere_is_no_repository(address: str, tmp_path: Path) -> None:
    assert origin(sound().set("general.repo_url", TEXT, address), tmp_path).repository == ""


def test_counts_and_types_that_lie_give_nothing(tmp_path: Path) -> None:
    made = sound().set("general.base_model.count", U32, 4_000_000_000)
    made.set("general.dataset.count", TEXT, "three").set("general.author", U32, 7)
    made.set_array("general.languages", U32, [1, 2])
    assert origin(made, tmp_path).bases == ()
    assert origin(made, tmp_path).author == ""
    assert origin(made, tmp_path).languages == ()


def test_hidden_characters_are_left_out(tmp_path: Path) -> None:
    made = sound().set("general.author", TEXT, "A\u202eda\n\x1b[31m" + "x" * 5000)
    found = origin(made, tmp_path).author
    assert found.startswith("Ada [31mxx")
    assert len(found) <= 200


def test_a_file_that_is_no_gguf_tells_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(b"<html>")
    assert read_origin(path) == FileOrigin()
