"""The prompts and personas of a person, in the vault like everything of theirs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from typing import Any, TypeVar

from snug.domain.conversation import ConversationSettings, Overflow, new_id
from snug.domain.errors import UserError
from snug.domain.model import Adapter
from snug.domain.prompts import MAX_NAME, MAX_TEXT, Persona, Prompt
from snug.domain.sampling import Sampling
from snug.services.preferences import Kept, kept_list

_PROMPTS = "library.prompts"
_PERSONAS = "library.personas"
_MOST = 2000  # of each
_FORMAT = "snug-prompts"
_VERSION = 1


One = TypeVar("One", Prompt, Persona)


class PromptLibrary:
    """Saves, changes and removes them. Any thread; a file of another version loses nothing.

    Raises (all methods that change): `DiskFullError`, `EnvironmentFault`; nothing was changed then.
    """

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def prompts(self) -> tuple[Prompt, ...]:
        """All of them, by name."""
        return _by_name(_read(self._kept.get(_PROMPTS), _prompt))

    def personas(self) -> tuple[Persona, ...]:
        """All of them, by name."""
        return _by_name(_read(self._kept.get(_PERSONAS), _persona))

    def save_prompt(self, name: str, text: str, prompt_id: str = "") -> Prompt:
        """Keep a prompt, a new one or in the place of the one with this id.

        Raises:
            UserError: no name, a name that is taken, no text, or too long a one.
        """
        if not text.strip():
            raise UserError("A prompt needs a text.")
        if len(text) > MAX_TEXT:
            raise UserError(f"A prompt can have {MAX_TEXT:,} characters; this has {len(text):,}.")
        made = Prompt(prompt_id or new_id(), _name(name, self.prompts(), prompt_id), text)
        self._put(made.id, _PROMPTS, _prompt_document(made))
        return made

    def save_persona(
        self, name: str, settings: ConversationSettings, persona_id: str = ""
    ) -> Persona:
        """Keep a persona, a new one or in the place of the one with this id. Raises: UserError."""
        made = Persona(persona_id or new_id(), _name(name, self.personas(), persona_id), settings)
        self._put(made.id, _PERSONAS, _persona_document(made))
        return made

    def remove(self, one: Prompt | Persona) -> None:
        """Take one out; `put_back` undoes it."""
        kept_as = _PROMPTS if isinstance(one, Prompt) else _PERSONAS
        self._write(kept_as, self._others(kept_as, one.id))

    def put_back(self, one: Prompt | Persona) -> None:
        """Undo `remove`."""
        if isinstance(one, Prompt):
            self._put(one.id, _PROMPTS, _prompt_document(one))
        else:
            self._put(one.id, _PERSONAS, _persona_document(one))

    def exported(self) -> str:
        """All of them as a JSON document that `take_in` reads."""
        document = {
            "format": _FORMAT,
            "version": _VERSION,
            "prompts": [_prompt_document(one) for one in self.prompts()],
            "personas": [_persona_document(one) for one in self.personas()],
        }
        return json.dumps(document, ensure_ascii=False, indent=1)

    def take_in(self, text: str) -> tuple[int, int]:
        """Add what a document holds and is not here by name. Returns: prompts and personas added.

        Raises:
            UserError: it is none.
        """
        try:
            document = json.loads(text)
            if document["format"] != _FORMAT or document["version"] > _VERSION:
                raise ValueError
            prompts = _read(json.dumps(document.get("prompts", [])), _prompt)
            personas = _read(json.dumps(document.get("personas", [])), _persona)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise UserError("This is no file of prompts and personas of Snug.") from error
        new_prompts = _fresh([p for p in prompts if p.text.strip()], self.prompts())
        for prompt in new_prompts:
            self.save_prompt(prompt.name, prompt.text)
        new_personas = _fresh(personas, self.personas())
        for persona in new_personas:
            self.save_persona(persona.name, persona.settings)
        return len(new_prompts), len(new_personas)

    def _put(self, one_id: str, kept_as: str, document: dict[str, Any]) -> None:
        together = [*self._others(kept_as, one_id), document]
        if len(together) > _MOST:
            raise UserError(f"{_MOST:,} can be kept. Remove some that you do not need.")
        self._write(kept_as, together)

    def _others(self, kept_as: str, one_id: str) -> list[Any]:
        """All entries but one, as they are kept: those that this version cannot read too."""
        found = kept_list(self._kept.get(kept_as))
        return [e for e in found if not isinstance(e, dict) or e.get("id") != one_id]

    def _write(self, kept_as: str, entries: list[Any]) -> None:
        self._kept.set(kept_as, json.dumps(entries, ensure_ascii=False))


def _by_name(found: Sequence[One]) -> tuple[One, ...]:
    return tuple(sorted(found, key=lambda one: one.name.casefold()))


def _free(name: str, others: Sequence[Prompt] | Sequence[Persona], but: str = "") -> bool:
    return all(o.name.casefold() != name.casefold() or o.id == but for o in others)


def _fresh(found: Sequence[One], others: Sequence[One]) -> list[One]:
    """Those with a name that none of the others and none before it has."""
    taken = {_plain(one.name).casefold() for one in others} | {""}
    fresh: list[One] = []
    for one in found:
        name = _plain(one.name).casefold()
        if name not in taken:
            taken.add(name)
            fresh.append(one)
    return fresh


def _plain(name: str) -> str:
    return " ".join(name.split())


def _name(name: str, others: Sequence[Prompt] | Sequence[Persona], own_id: str) -> str:
    plain = _plain(name)
    if not plain:
        raise UserError("It needs a name.")
    if len(plain) > MAX_NAME:
        raise UserError(f"A name can have {MAX_NAME} letters; this has {len(plain)}.")
    if not _free(plain, others, own_id):
        raise UserError(f"There is one called {plain} already. Choose another name.")
    return plain


def _read(kept: str, make: Callable[[dict[str, Any]], One]) -> list[One]:
    """What is kept; an entry that this version cannot read is left out, not the others."""
    made: list[One] = []
    for entry in kept_list(kept):
        try:
            made.append(make(entry))
        except (KeyError, TypeError, ValueError, AttributeError, UserError):
            continue
    return made


def _prompt(entry: dict[str, Any]) -> Prompt:
    return Prompt(str(entry["id"]), str(entry["name"])[:MAX_NAME], str(entry["text"])[:MAX_TEXT])


def _prompt_document(prompt: Prompt) -> dict[str, Any]:
    return {"id": prompt.id, "name": prompt.name, "text": prompt.text}


def _persona(entry: dict[str, Any]) -> Persona:
    sampling, model = entry.get("sampling"), entry.get("model")
    settings = ConversationSettings(
        model=None if model is None else str(model),
        system_prompt=str(entry.get("system_prompt", ""))[:MAX_TEXT],
        sampling=None if sampling is None else _sampling(sampling),
        adapters=tuple(
            Adapter(str(a["path"]), str(a["sha256"]), float(a["scale"]))
            for a in entry.get("adapters", ())
        ),
        overflow=Overflow(entry.get("overflow", Overflow.DROP.value)),
    )
    return Persona(str(entry["id"]), str(entry["name"])[:MAX_NAME], settings)


def _sampling(entry: dict[str, Any]) -> Sampling:
    known = {field.name for field in fields(Sampling)}
    return Sampling(**{name: _tuples(value) for name, value in entry.items() if name in known})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, list) else value


def _persona_document(persona: Persona) -> dict[str, Any]:
    settings = persona.settings
    return {
        "id": persona.id,
        "name": persona.name,
        "model": settings.model,
        "system_prompt": settings.system_prompt,
        "sampling": None if settings.sampling is None else asdict(settings.sampling),
        "adapters": [asdict(adapter) for adapter in settings.adapters],
        "overflow": settings.overflow.value,
    }
