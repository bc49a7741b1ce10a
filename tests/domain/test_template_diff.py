"""Two chat templates beside one another."""

from __future__ import annotations

import random
import time

from snug.domain.model_card import TemplateState
from snug.domain.template_diff import MAX_LINES, compare_templates
from snug.domain.visible_text import visible, visible_line


def test_line_ends_and_outer_blanks_make_no_difference() -> None:
    found = compare_templates("a \r\nb\r\n", "\na\nb", "m/x", "c" * 40)
    assert (found.state, found.base, found.lines) == (TemplateState.IDENTICAL, "m/x", ())


def test_a_difference_is_a_unified_diff_from_base_to_model() -> None:
    found = compare_templates("a\nnew\nc", "a\nold\nc", "m/x", "c" * 40)
    assert found.lines == (
        "--- m/x cccccccccccc",
        "+++ this model",
        "@@ -1,3 +1,3 @@",
        " a",
        "-old",
        "+new",
        " c",
    )
    assert (found.added, found.removed, found.cut) == (1, 1, False)


def test_a_template_of_one_long_line_is_compared_tag_by_tag() -> None:
    base = "{% for m in messages %}" + "{{ m.content }}" * 20 + "{% endfor %}"
    found = compare_templates(
        base.replace("{% endfor %}", "{{ 'evil' }}{% endfor %}"), base, "b", ""
    )
    assert [line for line in found.lines if line[0] in "+-"][2:] == ["+{{ 'evil' }}"]


def test_a_change_far_right_in_a_line_is_seen() -> None:
    found = compare_templates("x" * 5000 + "evil", "x" * 5000, "b", "")
    assert any("evil" in line for line in found.lines)


def test_what_comes_after_the_bound_is_not_called_identical() -> None:
    same = "a\n" * (200 * 1024)
    assert compare_templates(same + "evil", same + "good", "b", "").cut


def test_no_pair_of_templates_takes_long() -> None:
    chosen = random.Random(5)
    words = [f"w{n}" for n in range(140)]
    pairs = (
        (["a"] * MAX_LINES * 2, ["a", "b"] * MAX_LINES),
        ([chosen.choice(words) for _ in range(MAX_LINES)],) * 2,
        (
            [chosen.choice(words) for _ in range(MAX_LINES)],
            [chosen.choice(words) for _ in range(MAX_LINES)],
        ),
    )
    for one, other in pairs:
        before = time.perf_counter()
        compare_templates("\n".join(one), "\n".join(other), "b", "")
        assert time.perf_counter() - before < 3


def test_characters_that_do_not_show_become_markers() -> None:
    assert visible("a\u202eb\U000e0041\x1b[0m") == "a⟨U+202E⟩b⟨U+E0041⟩⟨U+001B⟩[0m"
    assert visible("Zażółć 日本語 🙂") == "Zażółć 日本語 🙂"
    assert visible_line("a\nb\tc" + "x" * 50, 10) == "a b cxxxx…"
    assert len(visible("e" + "\u0301" * 500)) < 10
