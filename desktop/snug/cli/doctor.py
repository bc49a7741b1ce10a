"""`snug doctor` and `snug bench`."""

from __future__ import annotations

from snug.cli.output import ProgressLine, gigabytes, print_json, print_table, say
from snug.cli.session import Session


def examine(session: Session) -> int:
    """Print the report; 1 where there are problems that keep Snug from answering."""
    report = session.examine()
    if session.options.json:
        print_json(report)
    else:
        llama = ", ".join(f"{key} {value}" for key, value in report.llama_cpp.items())
        print(f"Snug {report.version}; {llama or 'llama.cpp is not available'}")
        print_table(
            ("DEVICE", "KIND", "FREE", "TOTAL"),
            [
                (d.description or d.name, d.kind, gigabytes(d.free_bytes), gigabytes(d.total_bytes))
                for d in report.devices
            ],
        )
        if report.isolation:
            print(report.isolation)
        for problem in report.problems:
            print(f"Problem: {problem}")
        if not report.problems:
            print("No problems found.")
    return 0 if report.devices else 1


def bench(session: Session) -> int:
    """Measure and print the ratios."""
    line = ProgressLine()
    result = session.bench(line.show)
    line.clear()
    if session.options.json:
        print_json(result)
    else:
        for name, value in result.items():
            shown = f"{value:.3f}" if isinstance(value, float) else str(value)
            print(f"{name:24} {shown}")
    return 0


def ask_quickly(session: Session) -> int:
    """Open the small window of the Snug that is running. Returns: 1 where none is."""
    asked = session.ask_window()
    if session.options.json:
        print_json({"opened": asked})
    elif not asked:
        say("No window of Snug is open here. Start it first: snug")
    return 0 if asked else 1
