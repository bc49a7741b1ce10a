from __future__ import annotations

import json

import pytest

from snug.domain.conversation import ConversationSettings, Overflow
from snug.domain.errors import UserError
from snug.domain.model import Adapter
from snug.domain.prompts import Field, fields_of
from snug.domain.sampling import Sampling
from snug.services.prompts import PromptLibrary

SETTINGS = ConversationSettings(
    "tiny", "Be brief.", Sampling(temperature=0.2), (Adapter("/a", "b", 0.5),), Overflow.STOP
)


class Kept:
    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def get(self, name: str, default: str = "") -> str:
        return self.values.get(name, default)

    def set(self, name: str, value: str) -> None:
        self.values[name] = value


@pytest.fixture
def library() -> PromptLibrary:
    return PromptLibrary(Kept())


def test_prompts_and_personas_are_kept_as_they_are_by_name(library: PromptLibrary) -> None:
    library.save_prompt("Zebra", "z")
    library.save_prompt("ant", "Summarise {{text}}")
    persona = library.save_persona("Pirate", SETTINGS)
    assert [one.name for one in library.prompts()] == ["ant", "Zebra"]
    assert library.personas() == (persona,)
    assert library.personas()[0].settings == SETTINGS


def test_one_is_changed_in_its_place_and_removed_and_put_back(library: PromptLibrary) -> None:
    made = library.save_prompt("Ant", "a")
    library.save_prompt("Bee", "b", made.id)
    assert [(one.id, one.name, one.text) for one in library.prompts()] == [(made.id, "Bee", "b")]
    (changed,) = library.prompts()
    library.remove(changed)
    assert library.prompts() == ()
    library.put_back(changed)
    assert library.prompts() == (changed,)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [(" ", "x", "name"), ("Ant", "x", "called Ant"), ("b" * 81, "x", "80"), ("New", "", "text")],
)
def test_what_cannot_be_kept_is_told(
    library: PromptLibrary, name: str, text: str, words: str
) -> None:
    library.save_prompt("ant", "a")
    with pytest.raises(UserError, match=words):
        library.save_prompt(name, text)


def test_a_document_brings_in_what_is_not_there_by_name(library: PromptLibrary) -> None:
    library.save_prompt("Ant", "a")
    library.save_persona("Pirate", SETTINGS)
    other = PromptLibrary(Kept())
    other.save_prompt("ant", "mine")
    assert other.take_in(library.exported()) == (0, 1)
    assert [one.text for one in other.prompts()] == ["mine"]
    assert other.personas()[0].settings == SETTINGS
    for text in ("", "[]", '{"format": "x", "version": 1}', '{"format": "snug-prompts"}'):
        with pytest.raises(UserError, match="no file"):
            other.take_in(text)


def test_an_entry_that_cannot_be_read_costs_only_itself() -> None:
    kept = Kept()
    good = {"id": "1", "name": "Ant", "text": "a"}
    kept.set("library.prompts", json.dumps([good, 3, {"id": "2"}, None]))
    kept.set("library.personas", '[{"id": "1", "name": "P", "sampling": {"temperature": 9}}]')
    library = PromptLibrary(kept)
    assert [one.name for one in library.prompts()] == ["Ant"]
    assert library.personas() == ()


def test_fields_are_found_with_their_choices() -> None:
    text = "Write to {{ name }} in a {{tone:kind|formal}} way; {{}} and {{a{b}} are none."
    assert fields_of(text) == (
        Field("name", 9, 19),
        Field("tone", 25, 45, ("kind", "formal")),
    )


def test_an_entry_without_a_name_of_its_own_costs_only_itself(library: PromptLibrary) -> None:
    entries = [
        {"id": str(n), "name": name, "text": "x"} for n, name in enumerate(["A", "a", "", "B"])
    ]
    entries.append({"id": "9", "name": "C", "text": " "})
    document = {"format": "snug-prompts", "version": 1, "prompts": entries}
    assert library.take_in(json.dumps(document)) == (2, 0)
    assert [one.name for one in library.prompts()] == ["A", "B"]


def test_what_a_newer_version_keeps_survives_a_change() -> None:
    kept = Kept()
    newer = {"id": "1", "name": "New", "overflow": "a newer way"}
    kept.values["library.personas"] = json.dumps([newer])
    library = PromptLibrary(kept)
    library.remove(library.save_persona("Old", SETTINGS))
    assert json.loads(kept.values["library.personas"]) == [newer]
