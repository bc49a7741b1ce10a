"""Texts that tests of the conversation's rendering share."""

from __future__ import annotations

EVERYTHING = """# Sorting a list

Two ways: `sorted()` returns a *new* list, `list.sort()` works **in place**, see
[the manual](https://docs.python.org/3/howto/sorting.html).

1. Use `sorted()`:
   ```python
   from dataclasses import dataclass

   @dataclass
   class Person:
       name: str
   ```
   It costs one more list.
2. Use `list.sort()`
   - no copy
   - stable:
     - equal items keep their order
3. Never in a loop

> A quote
> of two lines
>
> > and deeper

| Method | Time | Stable |
|:-------|-----:|:------:|
| `sorted()` | O(n log n) | yes |
| other | O(n) | no |

| a | b |
|---|---|
| 1 | 2 |

---

- [x] done
- [ ] open
- plain

Hard break,\x20\x20
second line, ![a chart](https://example.com/chart.png), <b>html</b> &amp; more.

مرحبا بالعالم
***
    indented code
    goes on

```sh
$ ls
```
Setext heading
==============
last *open **marks
"""

SHORT = (
    "",
    "One line.",
    "```\nonly code",
    "```python\nx = 1\n```",
    "- ```sh\n  ls\n  ```\n- b\n",
    "a\r\nb\r\n\r\nc",
    "| a |\n|---|\n| 1 |\n\nafter",
    "| a |\n|---|\n| 1 |",
    "text\n\n---\n\n- x\n\n---\n",
    "> q\n> ```\n> code\n> more\n> ```\n> after",
    "# one\n## two\ntext\n### three",
    "1. a\n\n   para\n\n       code\n2. b\n\n\n3. c",
    "~~~\n```\n~~~\n",
    "````md\n```\ninner\n```\n````\nafter",
    "```\r\na\r\nb\r\n```\r\n",
    "".join(f"{n}. item\n" for n in range(1, 40)),
    "* * *\n***bold** it*",
    "\u202eevil\u202c and \U000e0041",
)
