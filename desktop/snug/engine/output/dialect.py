"""How a model marks its thinking and its tool calls, told from its chat template.

A model writes what its template showed it, so the markers that stand in the template are the ones
to look for. They come as tokens of their own or as plain text; both are spelled alike here.
"""

# ruff: noqa: RUF001 - DeepSeek spells its markers with wide bars

from __future__ import annotations

from dataclasses import dataclass

# Tags that models wrap their thinking in, most common first. These are plain words to many models,
# so they count at the very start of an answer only.
REASONING_TAGS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("[THINK]", "[/THINK]"),
    ("<seed:think>", "</seed:think>"),
    ("<mm:think>", "</mm:think>"),
)
# Thinking between control tokens; looked for only where the template has the opening one.
_CHANNELS = (
    ("<|channel|>analysis<|message|>", "<|end|>", "<|channel|>"),  # gpt-oss
    ("<|channel>thought", "<channel|>", "<|channel>"),  # Gemma 4
    ("<|inner_prefix|>", "<|inner_suffix|>", "<|inner_prefix|>"),  # Apertus
    ("<|think|>", "<|end|>", "<|begin|>assistant<|think|>"),  # Solar Open
)


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of output that is one tool call, or several.

    Attributes:
        closing: "" where the call ends with its JSON (or with the answer).
        header: what may stand between the opening and that JSON ends with this; "" for white
            space only.
        whole: the markers are part of what is parsed.
    """

    opening: str
    closing: str = ""
    header: str = ""
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Dialect:
    """The markers of one model.

    Attributes:
        reasoning: (opening, closing) of thinking, at the start of the answer only.
        channels: the same between control tokens, anywhere.
        wrappers: markers around visible text, not shown.
        blocks: tool calls, looked for only where there are tools to call.
        sections: markers around several calls, not shown; only where there are tools.
        given: an opening that the prompt ends with.
        bare_json: a call is an object at the start of the answer, without any marker.
        visible: what an answer must begin with to be visible text at once.
    """

    reasoning: tuple[tuple[str, str], ...] = REASONING_TAGS
    channels: tuple[tuple[str, str], ...] = ()
    wrappers: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    sections: tuple[str, ...] = ()
    given: str = ""
    bare_json: bool = False
    visible: str = ""


@dataclass(frozen=True, slots=True)
class _Family:
    """Markers that belong together; `sign` in the template tells that they are used."""

    sign: str
    blocks: tuple[Block, ...]
    sections: tuple[str, ...] = ()
    given: str = ""
    bare_json: bool = False


def _pair(name: str) -> Block:
    return Block(f"<{name}>", f"</{name}>")


def _invoke(prefix: str) -> Block:
    return Block(f'<{prefix}invoke name="', f"</{prefix}invoke>", whole=True)


_TOOL_CALL = _pair("tool_call")
_HARMONY = tuple(
    Block(f"{before} to=functions.", header="<|message|>", whole=True)
    for before in (
        *("<|channel|>commentary", "<|channel|>analysis", "<|start|>assistant"),
        *("<|start|>assistant<|channel|>commentary", "<|start|>assistant<|channel|>analysis"),
    )
)
_ACTIONS = tuple(Block(f"Action:{gap}```json", "```") for gap in ("\n", " ", ""))

_FAMILIES = (
    _Family("<|channel|>", _HARMONY, ("<|call|>",)),
    _Family("[TOOL_CALLS]", (Block("[TOOL_CALLS]", header="[ARGS]"),)),
    _Family(
        "<|tool_call_argument_begin|>",
        (Block("<|tool_call_begin|>", "<|tool_call_end|>"),),
        ("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"),
    ),
    _Family(
        "<｜tool▁call▁begin｜>",
        (Block("<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>"),),
        ("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"),
    ),
    _Family(
        "｜DSML｜",
        (_invoke("｜DSML｜"),),
        tuple(f"<{a}｜DSML｜{b}>" for a in ("", "/") for b in ("function_calls", "tool_calls")),
    ),
    _Family("<minimax:tool_call>", (_invoke(""),), ("<minimax:tool_call>", "</minimax:tool_call>")),
    _Family(
        "<atem:function_calls>",
        (_invoke("atem:"),),
        ("<atem:function_calls>", "</atem:function_calls>"),
    ),
    _Family("<TOOLCALL>", (_pair("TOOLCALL"),)),
    _Family("<tool_calls>", (_pair("tool_calls"), _TOOL_CALL)),
    _Family("<seed:tool_call>", (_pair("seed:tool_call"),)),
    _Family("<|START_ACTION|>", (Block("<|START_ACTION|>", "<|END_ACTION|>"),)),
    _Family("Action:", _ACTIONS),
    _Family("<|tool_call_start|>", (Block("<|tool_call_start|>", "<|tool_call_end|>"),)),
    _Family("<|tool_list_start|>", (Block("<|tool_call_start|>", "<|tool_call_end|>"),)),
    _Family("<|tools_prefix|>", (Block("<|tools_prefix|>", "<|tools_suffix|>"),)),
    _Family(
        "<|tool_call:begin|>",
        (Block("<|tool_call:begin|>", "<|tool_call:end|>"),),
        ("<|begin|>assistant<|tool_calls|>", "<|calls|>"),
    ),
    _Family("<|tool_call>", (Block("<|tool_call>", "<tool_call|>"),)),
    _Family("<|tool_call|>", (Block("<|tool_call|>"),)),
    _Family("<|function_call|>", (Block("<|function_call|>"),)),
    _Family("functools[", (Block("functools[", "]", whole=True),)),
    _Family(">>>all", (Block(">>>", header="\n"),), given=">>>"),
    _Family("<|python_tag|>", (Block("<|python_tag|>"),), bare_json=True),
    _Family('"parameters": dictionary of argument', (), bare_json=True),
    _Family("<function=", (Block("<function=", "</function>", whole=True),)),
    _Family('<function name="', (Block('<function name="', "</function>", whole=True),)),
)
_WRAPPERS = (
    (
        "<|channel|>",
        (
            *("<|channel|>final<|message|>", "<|channel|>commentary<|message|>"),
            *("<|start|>assistant", "<|end|>", "<|return|>"),
        ),
    ),
    ("<|START_RESPONSE|>", ("<|START_RESPONSE|>", "<|END_RESPONSE|>")),
    ("<|START_ACTION|>", ("<|START_TEXT|>", "<|END_TEXT|>")),
    ("<|begin|>assistant<|content|>", ("<|begin|>assistant<|content|>", "<|end|>")),
    (">>>all", (">>>all\n",)),
)


def dialect_of(template: str) -> Dialect:
    """The markers that a chat template speaks of.

    `<tool_call>` and `</tool_call>` around JSON are always among them: Snug asks for that form
    itself where a template does not tell the model of its tools.
    """
    families = [f for f in _FAMILIES if f.sign in template]
    blocks = tuple(dict.fromkeys(block for family in families for block in family.blocks))
    bare = any(family.bare_json for family in families)
    harmony = "<|channel|>" in template
    return Dialect(
        channels=tuple((a, b) for a, b, sign in _CHANNELS if sign in template),
        wrappers=tuple(w for sign, wrappers in _WRAPPERS if sign in template for w in wrappers),
        blocks=tuple(dict.fromkeys((*blocks, _TOOL_CALL))),
        sections=tuple(dict.fromkeys(s for family in families for s in family.sections)),
        given="<|start|>assistant" if harmony else "".join(f.given for f in families),
        bare_json=bare,
        visible="<|channel|>final<|message|>" if harmony else "",
    )


def tags_of(template: str) -> tuple[str, str]:
    """The opening and closing tag that a chat template speaks of, else the most common ones."""
    channels = dialect_of(template).channels
    if channels:
        return channels[0]
    return next((tags for tags in REASONING_TAGS if tags[1] in template), REASONING_TAGS[0])


def opened_by(prompt: str) -> str:
    """The closing tag of a thinking block that the prompt ends in, else ""."""
    tail = prompt.rstrip()
    pairs = (*REASONING_TAGS, *((opening, closing) for opening, closing, _ in _CHANNELS))
    return next((closing for opening, closing in pairs if tail.endswith(opening)), "")
