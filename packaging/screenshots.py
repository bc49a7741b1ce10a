"""Takes the README's picture of the window: the real window over the real rooms.

    .venv/bin/python packaging/screenshots.py [--out FILE] [--scheme dark] [--place settings]

The vault is a temporary one with sample conversations, written for the picture; the model is the
starter, really loaded. Without a display it draws offscreen.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from snug.app import Application
from snug.domain.conversation import (
    Conversation,
    Message,
    Part,
    PartKind,
    Role,
    new_id,
    now_ms,
)
from snug.paths import find_paths
from snug.services.protocols import ConversationStore
from snug.vault.vault import Vault

ROOT = Path(__file__).resolve().parents[1]
DEFAULT_OUT = ROOT / "docs" / "images" / "window.png"
HOUR_MS = 3_600_000
TIMEOUT_MS = 60_000
SETTLE_MS = 600  # for the last layout after the model is ready; nothing signals its end

ANSWER = """A heat pump **moves** heat instead of making it. Even cold air holds some warmth, and \
a refrigerant that boils far below zero can collect it.

1. **Evaporate** – outside, the refrigerant takes up heat and turns to gas.
2. **Compress** – squeezing the gas makes it hot.
3. **Condense** – indoors, it gives the heat to your radiators.
4. **Expand** – the pressure drops, it is cold again, and the round begins anew.

For one unit of electricity you get three to four units of heat:

| Outside | Heat per kWh | Good for |
|---|---|---|
| 7 °C | 4.2 kWh | floor heating |
| −7 °C | 2.8 kWh | large radiators |

```python
def seasonal_cost(heat_kwh: float, price: float, cop: float = 3.5) -> float:
    return heat_kwh / cop * price
```
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """A conversation of the picture, this old."""

    title: str
    age_h: float
    question: str = "…"
    answer: str = "…"


SAMPLES = (
    Sample("Packing list for the Alps", 24 * 41),
    Sample("SQL window functions", 24 * 33),
    Sample("Birthday speech for Ines", 24 * 20),
    Sample("Names for a small grey cat", 24 * 5),
    Sample("Debug a failing systemd unit", 24 * 3),
    Sample("Compare two job offers", 27),
    Sample("Rust lifetimes, once more", 26),
    Sample("Letter to the landlord", 2),
    Sample(
        "How a heat pump works",
        0.1,
        "How does a heat pump get heat out of cold air? Keep it short.",
        ANSWER,
    ),
)


def fill(store: ConversationStore) -> str:
    """Store the samples as if each had been had at its time. Returns: the id of the newest."""
    newest = ""
    for sample in SAMPLES:
        newest = new_id()
        moment = now_ms() - round(sample.age_h * HOUR_MS)
        with mock.patch("snug.vault.tables.now_ms", return_value=moment):
            store.create(Conversation(newest, sample.title, created_ms=moment, updated_ms=moment))
            asked = new_id()
            store.add_message(
                _message(asked, newest, None, Role.USER, sample.question), durable=False
            )
            store.add_message(
                _message(new_id(), newest, asked, Role.ASSISTANT, sample.answer), durable=False
            )
    return newest


def _message(
    message_id: str, conversation_id: str, parent_id: str | None, role: Role, text: str
) -> Message:
    return Message(message_id, conversation_id, parent_id, role, (Part(PartKind.TEXT, text),))


def take(application: Application, shown_id: str, options: argparse.Namespace) -> bool:
    """Show the window, wait for the model, save the picture. Returns: the model was ready."""
    # Late: Qt reads its environment, set by `main`, when it is imported.
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from snug.ui.look.theme import Theme
    from snug.ui.look.tokens import Scheme
    from snug.ui.main_window import MainWindow
    from snug.ui.places import Place

    app = QApplication(["snug"])
    theme = Theme(application.services.profile.resources, Scheme(options.scheme))
    theme.install(app)
    window = MainWindow(application.services, theme)
    window.resize(*(int(edge) for edge in options.size.split("x")))
    window.first_painted.connect(window.start)
    window.sidebar.model_state.state_changed.connect(
        lambda state: QTimer.singleShot(SETTLE_MS, app.quit) if "Ready" in state else None
    )
    QTimer.singleShot(TIMEOUT_MS, lambda: app.exit(1))
    window.show()
    window.open_conversation(shown_id)
    window.go_to(Place(options.place))
    ready = app.exec() == 0
    options.out.parent.mkdir(parents=True, exist_ok=True)
    window.grab().save(str(options.out))
    window.close()
    return ready


def main() -> int:
    """Returns: the exit code."""
    parser = argparse.ArgumentParser(description="Takes the README's picture of the window.")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    parser.add_argument("--scheme", default="light", choices=("light", "dark", "contrast"))
    parser.add_argument("--size", default="1280x800", help="WIDTHxHEIGHT in logical pixels")
    parser.add_argument("--place", default="chats", choices=("chats", "models", "settings"))
    parser.add_argument("--scale", default="2", help="device pixels per logical pixel")
    options = parser.parse_args()
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["QT_SCALE_FACTOR"] = options.scale
    with tempfile.TemporaryDirectory(prefix="snug-picture-") as folder:
        vault = Vault.temporary()
        application = Application(find_paths(Path(folder)), vault, offline=False)
        try:
            ready = take(application, fill(vault.conversations), options)
        finally:
            application.close()
    return 0 if ready else 1


if __name__ == "__main__":
    sys.exit(main())
