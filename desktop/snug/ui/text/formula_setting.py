"""Sets LaTeX as SVG with `latex2mathml` and `ziamath`: pure Python, no file but a font, no network.

Imported late and only by `formula`, which catches what these libraries raise.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from ziamath.config import config
from ziamath.nodes.mrow import Mrow
from ziamath.tex import tex2mml
from ziamath.zmath import Math

from snug.ui.text.formula import Drawing, Trouble, Undrawn

MAX_WORK = 1_000  # drawings of single signs, some 0.2 ms each
MAX_SVG = 300_000  # bytes
MAX_EM = 120.0  # width or height
_UNIT = 100.0  # pixels per em while drawing

# Stand for "<" and "&" on the way through MathML, which would read them as markup.
_LESS, _AND = "\ue0f1", "\ue0f2"
_STRAY = re.compile(r"&(?!#x?[0-9A-Fa-f]+;|lt;|gt;|amp;)")
_UNKNOWN = re.compile(r">(\\[A-Za-z]+)")
_DRESS = re.compile(r' (?:mathcolor|mathbackground|href|style|class|id|src)="[^"]*"')
_NUMBERING = re.compile(r"\\(?:label|ref|eqref)\s*\{[^{}]*\}|\\(?:nonumber|notag)(?![A-Za-z])")
_COLOUR = re.compile(r"\\(?:text)?color\s*(?:\[[^\]]*\])?\s*\{[^{}]*\}")
_TAG = re.compile(r"\\tag\*?\s*\{([^{}]*)\}")
_COLUMNS = re.compile(r"\\begin\{(?:alignedat|alignat)\*?\}\s*\{\d+\}")
_ALIGNED = re.compile(
    r"\\(begin|end)\{(?:align|aligned|alignedat|alignat|eqnarray|split|flalign)\*?\}"
)
_GATHERED = re.compile(r"\\(begin|end)\{(?:gather|gathered|multline|equation)\*?\}")
_WORDS = re.compile(r"(\\text(?:bf|it|rm|sf|tt)?\s*\{)([^{}]*)\}")
_BREAK_OR_AND = re.compile(r"\\\\|\\&")
_ESCAPED = re.compile(r"\\([&%$#_])")
_DEFINES = re.compile(
    r"\\(?:newcommand|renewcommand|def|let|require|usepackage|DeclareMathOperator)\b"
)
_ALIASES = {
    r"\argmax": r"\operatorname{arg\,max}",
    r"\argmin": r"\operatorname{arg\,min}",
    r"\softmax": r"\operatorname{softmax}",
    r"\R": r"\mathbb{R}",
    r"\N": r"\mathbb{N}",
    r"\Z": r"\mathbb{Z}",
    r"\C": r"\mathbb{C}",
    r"\Q": r"\mathbb{Q}",
    r"\E": r"\mathbb{E}",
    r"\bmod": r"\ \mathrm {mod}\ ",
}
_ALIAS = re.compile("|".join(re.escape(name) + r"(?![A-Za-z])" for name in _ALIASES))
_STRETCHY = frozenset("()[]{}|‖\u2223∥/⟨⟩⌊⌋⌈⌉⟮⟯⎰⎱⟦⟧↑↓↕⇑⇓⇕√\\")

config.svg2 = False  # Qt reads SVG 1.1


class _Row(Mrow, tag="mrow"):
    """A row that measures its signs twice only where one of them must stretch to the others.

    Upstream (ziamath 0.13) always does, so that each row within a row doubles the time: ten deep
    takes seconds. Registers itself as the class for `mrow`.
    """

    def _get_height_nostretch(
        self, line: list[ElementTree.Element], **kwargs: object
    ) -> tuple[float, float]:
        if any(_stretches(child) for child in line):
            found: tuple[float, float] = super()._get_height_nostretch(line, **kwargs)
            return found
        return 0.0, 0.0


def set_formula(latex: str, display: bool) -> Drawing | Undrawn:
    """Set one formula. Raises: anything, where the formula is broken; one thread at a time."""
    defines = _DEFINES.search(latex)
    if defines is not None:
        return Undrawn(Trouble.UNKNOWN, defines.group())
    markup = tex2mml(_prepared(latex), inline=not display)
    unknown = _UNKNOWN.search(markup)
    if unknown is not None:
        return Undrawn(Trouble.UNKNOWN, unknown[1])
    markup = _DRESS.sub("", _STRAY.sub("&amp;", markup))
    markup = markup.replace(f"<mi>{_LESS}</mi>", "<mo>&lt;</mo>")
    markup = markup.replace(_LESS, "&lt;").replace(_AND, "&amp;")
    root = _flat(ElementTree.fromstring(markup))  # noqa: S314  no entity is declared in it
    if _work(root) > MAX_WORK:
        return Undrawn(Trouble.TOO_DEEP)
    made = Math(root, size=_UNIT, margin=0)
    letters = (letter for letter in dict.fromkeys(latex) if letter > "\x7f")
    missing = "".join(letter for letter in letters if not made.font.glyphindex(letter))
    if missing:
        return Undrawn(Trouble.LETTERS, missing)
    box = made.node.bbox
    width, ascent, descent = (v / _UNIT for v in (box.xmax - box.xmin, box.ymax, -box.ymin))
    if width <= 0 or ascent + descent <= 0:
        return Undrawn(Trouble.BROKEN)
    if width > MAX_EM or ascent + descent > MAX_EM:
        return Undrawn(Trouble.TOO_LARGE)
    svg = made.svg().encode()
    if len(svg) > MAX_SVG:
        return Undrawn(Trouble.TOO_LARGE)
    return Drawing(svg, width, ascent, descent)


def _prepared(latex: str) -> str:
    """The formula without what has no meaning here, in words that the reader knows."""
    text = _COLOUR.sub("", _NUMBERING.sub("", latex)).replace("<", _LESS)
    text = _WORDS.sub(_plain_words, text)
    text = _BREAK_OR_AND.sub(lambda sign: _AND if sign.group() == r"\&" else sign.group(), text)
    text = _TAG.sub(r"\\qquad \\text{(\1)}", text)
    text = _COLUMNS.sub(r"\\begin{align*}", text)
    text = _ALIGNED.sub(r"\\\1{align*}", text)
    text = _GATHERED.sub(r"\\\1{gather*}" if r"\\" in text else "", text)
    return _ALIAS.sub(lambda name: _ALIASES[name.group()], text)


def _plain_words(words: re.Match[str]) -> str:
    plain = _ESCAPED.sub(lambda sign: _AND if sign[1] == "&" else sign[1], words[2])
    return f"{words[1]}{plain}}}"


def _flat(element: ElementTree.Element) -> ElementTree.Element:
    """The tree without rows that hold one thing only."""
    children = [_flat(child) for child in element]
    name = element.tag.rpartition("}")[2]
    # A row that is broken into lines asks its parent's parent where it stands.
    lines = any(child.tag == "mspace" for group in children for child in group)
    if name == "math" and len(children) == 1 and children[0].tag == "mrow" and not lines:
        children = list(children[0])
    if name == "mrow" and len(children) == 1 and not element.attrib and children[0].tag != "mo":
        return children[0]
    element[:] = children
    element.tag = name
    return element


def _stretches(element: ElementTree.Element) -> bool:
    return any(
        sign.get("stretchy") == "true" or (sign.text or "").strip() in _STRETCHY
        for sign in element.iter()
        if sign.tag in ("mo", "mi")
    )


def _work(element: ElementTree.Element) -> int:
    """How many times single signs are drawn, each row that stretches counting twice."""
    inner = sum(_work(child) for child in element) + 1
    is_row = element.tag in ("mrow", "math", "mtd", "mtr")
    return 2 * inner if is_row and any(_stretches(child) for child in element) else inner
