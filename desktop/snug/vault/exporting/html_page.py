"""Conversations as one HTML page: no script, nothing loaded, nothing of the text is markup."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from snug.domain.exporting import ExportOptions
from snug.domain.importing import ImportedConversation
from snug.vault.exporting.readable import moment, speaker, title_of, versions

_LINK = re.compile(r"(https?://[^\s/@\\]+([/?#][^\s\\]*)?|mailto:[^\s\\]+)", re.IGNORECASE)
_TURNS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)
_MAX_COLOURED = 50_000  # characters; a longer block stays plain
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --paper: #fff; --soft: #f4f3f0; --line: #dcd9d2;
  --dim: #5c6066; --link: #0b5bb5 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e4df; --paper: #1c1d1f; --soft: #27292c;
  --line: #3b3d41; --dim: #a3a6ab; --link: #7db4f0 } }
body { background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif;
  margin: 0 auto; max-width: 46rem; padding: 2rem 1.25rem 4rem; overflow-wrap: anywhere }
h1 { font-size: 1.6rem; line-height: 1.25 } a { color: var(--link) }
article { margin: 1.5rem 0 } article.user { background: var(--soft); border-radius: .75rem;
  padding: .75rem 1rem } header { color: var(--dim); font-size: .85rem; margin-bottom: .25rem }
header b { color: var(--ink) } details, blockquote { border-left: 3px solid var(--line);
  color: var(--dim); margin: .5rem 0; padding-left: .75rem } .error { color: var(--dim) }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: .5rem;
  padding: .75rem; white-space: pre-wrap } code { font: .9em/1.45 ui-monospace, monospace }
table { border-collapse: collapse } th, td { border: 1px solid var(--line); padding: .3rem .6rem }
hr { border: 0; border-top: 1px solid var(--line); margin: 2rem 0 }
@media print { body { max-width: none; padding: 0 } pre, article { break-inside: avoid-page } }
"""


def html_page(tree: ImportedConversation, options: ExportOptions) -> str:
    """The page, complete, with its style in it."""
    title = escape(title_of(tree))
    light = HtmlFormatter(style="default").get_style_defs("pre")
    dark = HtmlFormatter(style="github-dark").get_style_defs("pre")
    style = f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n{_STYLE}"
    return (
        '<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"{html_body(tree, options)}</body>\n</html>\n"
    )


def html_body(tree: ImportedConversation, options: ExportOptions) -> str:
    """What stands in the page, without its style; also what a PDF is made from."""
    renderer = _renderer()
    rows = [f'<h1 dir="auto">{escape(title_of(tree))}</h1>']
    prompt = tree.conversation.settings.system_prompt
    if prompt and options.system_prompt:
        rows.append(_article("system", "System prompt", "", renderer.render(_shown(prompt))))
    for other, messages in versions(tree, options):
        if other:
            rows.append("<hr><p><i>Another version</i></p>")
        for message in messages:
            body = renderer.render(_shown(message.text))
            if message.reasoning:
                thought = renderer.render(_shown(message.reasoning))
                body = f"<details><summary>Reasoning</summary>{thought}</details>{body}"
            for call in message.tool_calls:
                body += f"<pre><code>{escape(_shown(call))}</code></pre>"
            if message.error:
                body += f'<p class="error">{escape(_shown(message.error))}</p>'
            who = speaker(message, options)
            rows.append(_article(message.role.value, who, moment(message, options), body))
    return "\n".join(rows) + "\n"


def _article(role: str, who: str, when: str, body: str) -> str:
    after = f" · {when}" if when else ""
    return (
        f'<article class="{role}" dir="auto"><header><b>{escape(who)}</b>{after}</header>\n'
        f"{body}</article>"
    )


def _shown(text: str) -> str:
    """Characters that turn or hide text, by their numbers."""
    clean = text.encode("utf-8", "replace").decode()
    return _TURNS.sub(lambda m: f"⟨U+{ord(m.group()):04X}⟩", clean)


def _renderer() -> MarkdownIt:
    renderer = MarkdownIt("commonmark", {"html": False, "highlight": _coloured}).enable("table")
    renderer.validateLink = lambda url: _LINK.fullmatch(url) is not None  # type: ignore[method-assign]
    renderer.add_render_rule("image", _image)
    return renderer


def _image(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, environment: Any
) -> str:
    """A picture as a link to it: nothing is loaded by opening the page."""
    address = str(tokens[index].attrs.get("src", ""))
    text = tokens[index].content or address
    return f'<a href="{escape(address)}" rel="noreferrer">{escape(text)}</a>'


def _coloured(code: str, language: str, attributes: str) -> str:
    if not language or len(code) > _MAX_COLOURED:
        return ""
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return ""
    return str(highlight(code, lexer, HtmlFormatter(nowrap=True)))
