"""Answers that must follow a JSON schema or a grammar."""

from __future__ import annotations

import json
from typing import Any

from snug.domain.errors import UserError
from snug.engine.loaded import LoadedModel

_NOT_UNDERSTOOD = (
    *(ValueError, KeyError, TypeError, AttributeError),
    *(AssertionError, IndexError, RecursionError),
)

_REFUSED = {
    "schema": "its grammar",
    "grammar": "it; a rule may begin with itself, or a <token> may not be one of the model's",
}


def to_gbnf(schema: str) -> str:
    """A JSON schema as a grammar in llama.cpp's notation. Raises: one of `_NOT_UNDERSTOOD`."""
    # The converter comes with the bindings; it is needed by few answers.
    from llama_cpp.llama_grammar import SchemaConverter

    convert: Any = SchemaConverter
    converter = convert(prop_order={}, allow_fetch=False, dotall=False, raw_pattern=False)
    converter._format_literal = _literal
    root = json.loads(schema)
    if "$ref" in root:  # the bindings look at nothing beside a reference
        root["anyOf"] = [{"$ref": root.pop("$ref")}]
    converter.visit(converter.resolve_refs(root, "stdin"), "")
    return str(converter.format_grammar())


def _literal(constant: str) -> str:
    """A JSON constant for a grammar.

    In place of the bindings' own, which leaves backslashes as they are and splits characters beyond
    U+FFFF in two, so that a quote, a line end or an emoji in a name broke the grammar.
    """
    text = json.dumps(json.loads(constant), ensure_ascii=False)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Grammar:
    """Checks drawn tokens against a grammar. Engine thread only.

    Args (constructor):
        schema: JSON schema, checked by `check_schema`; "" where there is a grammar.
        gbnf: a grammar in llama.cpp's notation, checked by `check_grammar`.

    Raises (constructor): UserError.
    """

    def __init__(
        self, llama: Any, loaded: LoadedModel, schema: str = "", *, gbnf: str = ""
    ) -> None:
        self._llama = llama
        what = "schema" if schema else "grammar"
        try:
            text = to_gbnf(schema) if schema else gbnf
        except _NOT_UNDERSTOOD as error:
            raise UserError(f"The schema cannot be followed: {str(error)[:200]}.") from error
        self._sampler = llama.llama_sampler_init_grammar(
            loaded.vocabulary, text.encode(errors="replace"), b"root"
        )
        if not self._sampler:
            raise UserError(f"The {what} cannot be followed: llama.cpp refused {_REFUSED[what]}.")
        self._what = what
        self._single = (llama.llama_token_data * 1)()
        self._size = llama.llama_vocab_n_tokens(loaded.vocabulary)

    def allows(self, token: int) -> bool:
        """Whether the grammar accepts this token next."""
        self._single[0].id = token
        self._single[0].logit = 1.0
        self._single[0].p = 0.0
        self._apply(self._single, 1)
        return bool(self._single[0].logit != float("-inf"))

    def all_tokens(self, logits: Any) -> Any:
        """All tokens as llama.cpp's samplers take them, which may write over them.

        Args:
            logits: pointer to `float32[vocabulary]`.
        """
        import numpy as np  # the bindings have loaded it already

        fields = [("id", np.int32), ("logit", np.float32), ("p", np.float32)]
        data = np.zeros(self._size, dtype=fields)
        data["id"] = np.arange(self._size, dtype=np.int32)
        data["logit"] = np.ctypeslib.as_array(logits, shape=(self._size,))
        return data

    def candidates(self, logits: Any) -> Any:
        """As `all_tokens`, the forbidden ones at minus infinity.

        Raises:
            UserError: the model has no token that the schema allows here.
        """
        import numpy as np  # as above

        data = self.all_tokens(logits)
        pointer = data.ctypes.data_as(self._llama.llama_token_data_p)
        self._apply(pointer, self._size)
        if np.isneginf(data["logit"]).all():
            raise UserError(
                f"The model has no word that the {self._what} allows next. Choose another "
                f"{self._what} or model."
            )
        return data

    def _apply(self, data: Any, size: int) -> None:
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
