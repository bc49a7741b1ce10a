"""Answers that must follow a JSON schema."""

from __future__ import annotations

from typing import Any

from snug.domain.errors import UserError
from snug.engine.loaded import LoadedModel


class Grammar:
    """Checks drawn tokens against a grammar. Engine thread only."""

    def __init__(self, llama: Any, loaded: LoadedModel, schema: str) -> None:
        # The converter comes with the bindings; it is needed by few answers.
        from llama_cpp.llama_grammar import json_schema_to_gbnf

        self._llama = llama
        try:
            text = json_schema_to_gbnf(schema)
        except (ValueError, KeyError, TypeError, AttributeError, AssertionError) as error:
            raise UserError(f"The schema cannot be followed: {error}.") from error
        self._sampler = llama.llama_sampler_init_grammar(loaded.vocabulary, text.encode(), b"root")
        if not self._sampler:
            raise UserError("The schema cannot be followed: llama.cpp refused its grammar.")
        self._single = (llama.llama_token_data * 1)()

    def allows(self, token: int) -> bool:
        """Whether the grammar accepts this token next."""
        self._single[0].id = token
        self._single[0].logit = 1.0
        self._single[0].p = 0.0
        self.apply(self._single, 1)
        return bool(self._single[0].logit != float("-inf"))

    def apply(self, data: Any, size: int) -> None:
        """Set the logit of every forbidden candidate to minus infinity."""
        array = self._llama.llama_token_data_array(data, size, -1, False)
        self._llama.llama_sampler_apply(self._sampler, array)

    def accept(self, token: int) -> None:
        """The token was taken."""
        self._llama.llama_sampler_accept(self._sampler, token)

    def close(self) -> None:
        """Free it."""
        sampler, self._sampler = self._sampler, None
        if sampler:
            self._llama.llama_sampler_free(sampler)
