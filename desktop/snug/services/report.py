"""A model's card as a page to print or to file: HTML that is complete in itself, or Markdown.

All texts come from strangers: every one is escaped, what does not show becomes a marker, and the
page may load nothing and run nothing.
"""

from __future__ import annotations

import html
import re
from typing import Final

from snug.domain.licence import LicenceClass, common_name
from snug.domain.model_card import ModelCard, Severity
from snug.domain.visible_text import visible, visible_line
from snug.services.card_words import Section, moment, sections, size_words, template_sentence

_MOST_FILES: Final = 5
_MOST_DIFF: Final = 10  # lines; more would take the page's second side
_MOST_VALUE: Final = 320  # characters of one value
_MOST_CAUTIONS: Final = 8
_TONES: Final = {
    LicenceClass.COMMERCIAL: "good",
    LicenceClass.RESTRICTED: "warn",
    LicenceClass.RESEARCH: "bad",
    LicenceClass.UNKNOWN: "bad",
}
_SEVERITIES: Final = {
    Severity.DANGER: ("bad", "Danger"),
    Severity.WARNING: ("warn", "Warning"),
    Severity.NOTE: ("", "Note"),
}
_STYLE: Final = """
@page { size: A4; margin: 11mm 14mm; }
* { box-sizing: border-box; }
body { font: 8.3pt/1.3 system-ui, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif;
  color: #1d1e1c; background: #fff; max-width: 180mm; margin: 8mm auto; padding: 0 4mm;
  unicode-bidi: plaintext; }
header { border-bottom: 2px solid #2f6b4f; padding-bottom: 2.5mm; margin-bottom: 3mm; }
h1 { font-size: 15pt; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
header p { margin: .8mm 0 0; color: #51534f; }
h2 { font-size: 9.6pt; margin: 2.4mm 0 .6mm; }
p { margin: 0; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: .35mm 0; border-bottom: 1px solid #ecece8;
  overflow-wrap: anywhere; font-weight: normal; }
th { width: 29mm; color: #666863; padding-right: 3mm; }
code, pre { font: 7.2pt/1.35 ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", Menlo, monospace; }
pre { background: #f6f6f4; border-radius: 1.5mm; padding: 1.4mm 2.2mm; margin: 1mm 0 0;
  white-space: pre-wrap; overflow-wrap: anywhere; }
ins { color: #2f6b4f; text-decoration: none; } del { color: #b3261e; text-decoration: none; }
.tag { display: inline-block; padding: .3mm 2.2mm; border-radius: 1mm; font-weight: 600; }
.good { color: #2f6b4f; background: #e3eee8; } .warn { color: #8a5a00; background: #fbf1dc; }
.bad { color: #b3261e; background: #fbe9e7; }
.hash { width: 90mm; } .hash code { font-size: 6.6pt; }
ul { margin: 0; padding: 0; list-style: none; }
li { padding: .5mm 2.2mm; margin: .5mm 0; border-radius: 1mm; background: #f6f6f4; color: #1d1e1c;
  overflow-wrap: anywhere; }
li.warn, li.bad { color: #1d1e1c; } li.warn b { color: #8a5a00; } li.bad b { color: #b3261e; }
footer { margin-top: 3mm; padding-top: 1.5mm; border-top: 1px solid #e2e2dd; color: #666863;
  font-size: 7.4pt; }
@media print { body { margin: 0; padding: 0; max-width: none; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; } }
"""


def html_page(card: ModelCard, version: str, time_ms: int) -> str:
    """The card as one HTML document. The same card at the same time gives the same bytes."""
    parts = [_head(card), _cautions(card)]
    parts += [_section(one) for one in sections(card)]
    parts += [_files(card), _template(card), _foot(card, version, time_ms)]
    title = _text(card.title, 120)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Model card: {title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body>\n</html>\n"
    )


def markdown(card: ModelCard, version: str, time_ms: int) -> str:
    """The card in Markdown, every value as plain text, the template's difference in full."""
    lines = [f"# {_plain(card.title, 120)}", "", _summary_line(card), ""]
    if card.cautions:
        lines += ["## What to mind", ""]
        lines += [f"- **{_SEVERITIES[c.severity][1]}:** {_plain(c.text)}" for c in card.cautions]
        lines.append("")
    for section in sections(card):
        lines += [f"## {section.title}", "", "| | |", "|---|---|"]
        lines += [f"| {_plain(row.name)} | {_plain(row.value, 1500)} |" for row in section.rows]
        lines.append("")
    lines += ["## Files", "", "| File | Size | SHA-256 |", "|---|---|---|"]
    lines += [
        f"| {_plain(f.name)} | {size_words(f.size_bytes)} | {_plain(f.sha256) or 'not known'} |"
        for f in card.files
    ]
    lines += ["", "## Chat template", "", _plain(template_sentence(card)), ""]
    if card.comparison.lines:
        # Indented, not fenced: no line of a template can end it.
        lines += ["    " + visible(line).replace("\n", " ") for line in card.comparison.lines]
        lines += ["", *(["The comparison is cut here.", ""] if card.comparison.cut else [])]
    lines += [f"- {_plain(gap)}" for gap in card.gaps]
    lines += ["", f"Made by Snug {version} on {moment(time_ms)}. {_LEGAL}", ""]
    return "\n".join(lines)


_LEGAL: Final = (
    "What the pages and files state is quoted, not verified; the judgement of the licence is no "
    "legal advice."
)
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$=:@-])")


def _plain(text: str, length: int = 600) -> str:
    """A value as Markdown that means nothing but itself."""
    return _SPECIAL.sub(r"\\\1", visible_line(text, length))


def _text(text: str, length: int = _MOST_VALUE) -> str:
    """A value as HTML that means nothing but itself."""
    return html.escape(visible_line(text, length), quote=True)


def _summary_line(card: ModelCard) -> str:
    kinds = {
        LicenceClass.COMMERCIAL: "commercial use allowed",
        LicenceClass.RESTRICTED: "use restricted",
        LicenceClass.RESEARCH: "not for commercial use",
        LicenceClass.UNKNOWN: "licence not clear",
    }
    facts = [card.quantization, card.architecture, kinds[card.licence.licence_class]]
    return " · ".join(_plain(fact, 80) for fact in facts if fact)


def _head(card: ModelCard) -> str:
    licence = card.licence
    name = licence.name or common_name(licence.id) or "No licence stated"
    facts = [card.repository, card.quantization, card.architecture]
    return (
        f"<header><h1>{_text(card.title, 120)}</h1>\n"
        f"<p>{' · '.join(_text(fact, 100) for fact in facts if fact)} "
        f'<span class="tag {_TONES[licence.licence_class]}">{_text(name, 60)}</span></p></header>'
    )


def _cautions(card: ModelCard) -> str:
    if not card.cautions:
        return ""
    shown = card.cautions[:_MOST_CAUTIONS]
    items = [
        f'<li class="{_SEVERITIES[one.severity][0]}"><b>{_SEVERITIES[one.severity][1]}.</b> '
        f"{_text(one.text)}</li>"
        for one in shown
    ]
    if len(card.cautions) > len(shown):
        items.append(f"<li>And {len(card.cautions) - len(shown)} more; Snug shows all.</li>")
    return f"<h2>What to mind</h2>\n<ul>{''.join(items)}</ul>"


def _section(section: Section) -> str:
    rows = []
    for row in section.rows:
        value = _text(row.value)
        value = f"<code>{value}</code>" if row.mono else value
        rows.append(f"<tr><th>{_text(row.name, 60)}</th><td>{value}</td></tr>")
    return f"<h2>{section.title}</h2>\n<table>{''.join(rows)}</table>"


def _files(card: ModelCard) -> str:
    rows = [
        f"<tr><td>{_text(file.name, 80)}</td><td>{size_words(file.size_bytes)}</td>"
        f'<td class="hash"><code>{_text(file.sha256, 64) or "SHA-256 not known"}</code></td></tr>'
        for file in card.files[:_MOST_FILES]
    ]
    more = len(card.files) - _MOST_FILES
    if more > 0:
        rows.append(
            f'<tr><td colspan="3">And {more} more; the bill of materials has all.</td></tr>'
        )
    return f"<h2>Files and their SHA-256</h2>\n<table>{''.join(rows)}</table>" if rows else ""


def _template(card: ModelCard) -> str:
    lines = [
        line
        for line in card.comparison.lines
        if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    body = ""
    for line in lines[:_MOST_DIFF]:
        tag = "ins" if line.startswith("+") else "del"
        shown = html.escape(visible(line[:200]).replace("\n", " "))
        body += f"<{tag}>{shown}</{tag}>\n"
    if len(lines) > _MOST_DIFF:
        body += f"… {len(lines) - _MOST_DIFF} more lines; the Markdown report has them.\n"
    pre = f"\n<pre>{body}</pre>" if body else ""
    return f"<h2>Chat template</h2>\n<p>{_text(template_sentence(card))}</p>{pre}"


def _foot(card: ModelCard, version: str, time_ms: int) -> str:
    gaps = " ".join(_text(gap) for gap in card.gaps[:3])
    return (
        f"<footer>{gaps + '<br>' if gaps else ''}Made by Snug {_text(version, 40)} on "
        f"{moment(time_ms)}. {_LEGAL}</footer>"
    )
