"""How a chat template differs from the one it should be, as a unified diff.

The texts come from strangers: what is compared is bounded, so that no template can take minutes.
"""

from __future__ import annotations

import difflib
import re
from typing import Final

from snug.domain.model_card import TemplateComparison, TemplateState

MAX_TEMPLATE: Final = 256 * 1024  # characters
MAX_LINES: Final = 1_500  # of each text; difflib is quadratic at its worst
MAX_SHOWN: Final = 600  # lines of the diff
MAX_LINE: Final = 160  # characters; longer ones are broken, so that no difference is cut off
_CONTEXT: Final = 3
_STATEMENT_END: Final = re.compile(r"(?<=[%}]})")


def compare_templates(own: str, base: str, repository: str, commit: str) -> TemplateComparison:
    """Compare a model's template with its base model's; line ends and outer blanks do not count.

    Args:
        repository, commit: where the base's template was read.
    """
    ours, theirs = _lines(own), _lines(base)
    if ours == theirs and len(own) <= MAX_TEMPLATE:
        return TemplateComparison(TemplateState.IDENTICAL, repository, commit)
    found = list(
        difflib.unified_diff(
            theirs[:MAX_LINES],
            ours[:MAX_LINES],
            fromfile=f"{repository} {commit[:12]}".strip(),
            tofile="this model",
            n=_CONTEXT,
            lineterm="",
        )
    )
    body = found[2:]
    return TemplateComparison(
        TemplateState.DIFFERENT,
        repository,
        commit,
        lines=tuple(found[:MAX_SHOWN]),
        added=sum(line.startswith("+") for line in body),
        removed=sum(line.startswith("-") for line in body),
        cut=len(found) > MAX_SHOWN
        or max(len(ours), len(theirs)) > MAX_LINES
        or max(len(own), len(base)) > MAX_TEMPLATE,
    )


def _lines(text: str) -> list[str]:
    """The lines, without blanks at their ends, and long ones broken after Jinja's tags.

    Many templates are a single line.
    """
    unified = text[:MAX_TEMPLATE].replace("\r\n", "\n").replace("\r", "\n").strip()
    found: list[str] = []
    for line in unified.split("\n"):
        if len(line) <= MAX_LINE:
            found.append(line.rstrip())
            continue
        for part in filter(None, _STATEMENT_END.split(line)):
            found += (part[at : at + MAX_LINE].rstrip() for at in range(0, len(part), MAX_LINE))
    return found
