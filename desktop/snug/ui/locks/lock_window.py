"""The window while the chats are locked: it knows nothing of them, and lets the right key in."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QByteArray, QCoreApplication, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from snug.domain.errors import (
    SnugError,
    UserError,
    VaultDamagedError,
    VaultLockedError,
    WrongKeyError,
)
from snug.domain.keeping import Restored
from snug.domain.profile import ProfileEntry
from snug.domain.unlocking import NOTHING, Secret
from snug.services.bundle import Services
from snug.services.keeping import Care
from snug.services.locking import Patience
from snug.ui.bridge import Bridge
from snug.ui.locks.mend_form import MendForm
from snug.ui.locks.unlock_form import UnlockForm
from snug.ui.look.icons import app_icon
from snug.ui.look.parts import flat, label
from snug.ui.look.theme import Theme
from snug.ui.look.tokens import SIZES
from snug.ui.look.words import count_words
from snug.ui.tasks import Tasks

_MARK = 64
_TICK_MS = 250
_SILENT = frozenset({"keyfile", "keyring"})


@dataclass(frozen=True, slots=True)
class OtherProfiles:
    """The profiles of this device but this one; their names need no key.

    Attributes:
        list: those that there are.
        open: opens the one of this id in a window of its own; False where it cannot.
    """

    list: Callable[[], tuple[ProfileEntry, ...]]
    open: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class _Refused:
    """Why it did not open."""

    error: SnugError


class LockWindow(QWidget):
    """Show it, then `begin`. It opens the vault on a thread of its own.

    Attributes:
        opened: the services over the open vault.
        left: the person closed the window instead.
        refused: the fault that keeps it closed, of which the person was told last.
    """

    opened = Signal(object)
    left = Signal()

    def __init__(
        self,
        build_services: Callable[[Secret], Services],
        kinds: Callable[[], tuple[str, ...]],
        theme: Theme,
        geometry: QByteArray | None = None,
        others: OtherProfiles | None = None,
        care: Care | None = None,
    ) -> None:
        """Make it.

        Args:
            build_services: opens the vault; called on another thread.
            kinds: what opens it; see `KeySlot.kind`.
            geometry: where the window with the chats was.
            others: the other profiles of this device; None where there are none.
            care: brings back what is damaged; None where nothing does.
        """
        super().__init__()
        self.setObjectName("lockWindow")
        self.setWindowTitle(self.tr("Snug"))
        self.setAccessibleName(self.tr("Snug is locked"))
        self.setProperty("surface", "page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumSize(SIZES.window_least_width, SIZES.window_least_height)
        self._build = build_services
        self._kinds = kinds
        self._bridge = Bridge(self)
        self._tasks = Tasks(self._bridge, self)
        self._patience = Patience()
        self.refused: SnugError | None = None
        self.choose_file: Callable[[], Path | None] = self._choose_file
        self._tick = QTimer(self)
        self._tick.setInterval(_TICK_MS)
        self._tick.timeout.connect(self._on_tick_timeout)
        self._others = others
        self._care = care
        self._secret = NOTHING  # what was given last, for a backup or what is left
        self._make_parts(theme)
        self._place(geometry)

    # -- building -----------------------------------------------------------------------------

    def _make_parts(self, theme: Theme) -> None:
        mark = QLabel()
        mark.setPixmap(app_icon(theme.resources).pixmap(QSize(_MARK, _MARK), _ratio(self)))
        self._title = label("", "title", wrap=True)
        self._title.setObjectName("lockTitle")
        self._title.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._words = label("", "body", "soft", wrap=True)
        self._words.setObjectName("lockWords")
        self._words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.form = UnlockForm()
        self.form.given.connect(self._on_form_given)
        self.form.key_file_requested.connect(self._on_form_key_file_requested)
        if self._others is not None and (entries := self._others.list()):
            self.form.set_others(self._make_menu(entries, self._others))
        self.form.again_requested.connect(self.begin)
        self.form.leave_requested.connect(self.close)
        self._mend = MendForm()
        self._mend.restore_chosen.connect(self._on_mend_restore_chosen)
        self._mend.salvage_chosen.connect(self._on_mend_salvage_chosen)
        inner = QWidget()
        inner.setMaximumWidth(round(SIZES.dialog * max(1.0, theme.text_scale)))
        column = flat(QVBoxLayout(inner), spacing=SIZES.gap_3)
        column.addWidget(mark, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(SIZES.gap)
        column.addWidget(self._title)
        column.addWidget(self._words)
        column.addSpacing(SIZES.gap_2)
        column.addWidget(self._mend)
        column.addWidget(self.form)
        across = flat(QHBoxLayout())
        across.addStretch(1)
        across.addWidget(inner, 1_000)  # as wide as it may be, before the sides get anything
        across.addStretch(1)
        body = QWidget()
        whole = QVBoxLayout(body)
        whole.setContentsMargins(*(SIZES.gap_6,) * 4)
        whole.addStretch(2)
        whole.addLayout(across)
        whole.addStretch(3)
        # Large text in a small window is scrolled, never laid over itself.
        scroll = QScrollArea()
        scroll.setObjectName("lockScroll")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(body)
        flat(QVBoxLayout(self)).addWidget(scroll)

    def _place(self, geometry: QByteArray | None) -> None:
        if geometry is None or not self.restoreGeometry(geometry):
            room = self.screen().availableSize()
            self.resize(QSize(SIZES.window_width, SIZES.window_height).boundedTo(room))

    # -- what it shows ------------------------------------------------------------------------

    def show_locking(self) -> None:
        """The chats are being put away; nothing can be asked yet."""
        self._say(self.tr("Your chats are locked"), self.tr("Putting everything away…"))
        self.form.show_nothing()

    def begin(self, problem: SnugError | None = None) -> None:
        """Ask for what opens the vault.

        Args:
            problem: why it did not open before the window was there; None asks afresh.
        """
        if isinstance(problem, VaultLockedError) and not _SILENT & set(self._kinds()):
            self._ask()  # as it should be
        elif problem is not None:
            self._refuse(problem)
        elif self.refused is not None:
            self._open(self._secret)
        else:
            self._ask()

    def raise_window(self) -> None:
        """Bring it to the front; a second start asks for it."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def tell_error(self, message: str) -> None:
        """Something went wrong that is no answer of the vault's; ask again."""
        self._ask()
        self.form.show_problem(message)

    def _ask(self) -> None:
        kinds = self._kinds()
        if _SILENT & set(kinds):
            words = self.tr(
                "They open on this device without a question. A passphrase, under Settings, makes "
                "the lock ask."
            )
            self._say(self.tr("Your chats are locked"), words)
            self.form.show_open()
        else:
            self._say(self.tr("Your chats are locked"), "")
            self.form.show_question(kinds)

    def _say(self, title: str, words: str) -> None:
        self._title.setText(title)
        self._words.setText(words)
        self._words.setVisible(bool(words))
        self._mend.clear()

    # -- opening ------------------------------------------------------------------------------

    def _on_form_given(self, text: str) -> None:
        if self._patience.left_s() <= 0:
            # Nothing is typed where nothing is asked; what was given before still holds.
            self._open(Secret(text) if text else self._secret)

    def _on_form_key_file_requested(self) -> None:
        path = self.choose_file()
        if path is not None and self._patience.left_s() <= 0:
            self._open(Secret(key_file=path))

    def _make_menu(self, entries: tuple[ProfileEntry, ...], others: OtherProfiles) -> QMenu:
        """Each opens in a window of its own, and this one stays locked."""
        menu = QMenu(self)
        menu.setObjectName("otherProfileMenu")
        for entry in entries:
            action = menu.addAction(entry.name)
            action.setObjectName(f"otherProfile_{entry.id}")
            action.triggered.connect(partial(self._open_profile, others, entry.id))
        return menu

    def _open_profile(self, others: OtherProfiles, profile_id: str) -> None:
        if not others.open(profile_id):
            self.form.show_problem(self.tr("The window of that profile did not open."))

    def _choose_file(self) -> Path | None:
        name, _ = QFileDialog.getOpenFileName(self, self.tr("Use a key file"))
        return Path(name) if name else None

    def _open(self, secret: Secret) -> None:
        build = self._build
        self.refused = None
        self._secret = secret
        self._run(lambda: build(secret))

    def _run(self, work: Callable[[], Services | Restored]) -> None:
        """Do this on another thread, and show what came of it."""
        self.form.set_busy(True)
        self._mend.setEnabled(False)

        def guarded() -> Services | Restored | _Refused:
            try:
                return work()
            except SnugError as error:
                return _Refused(error)

        self._tasks.run(self, guarded, self._on_answered, self.tell_error)

    def _on_answered(self, answer: Services | Restored | _Refused) -> None:
        self._mend.setEnabled(True)
        if isinstance(answer, _Refused) and self._mends(answer.error):
            self._words.setText(self.refused.message if self.refused is not None else "")
            self.form.show_again(first=False)
            self.form.show_problem(answer.error.message)
        elif isinstance(answer, _Refused):
            self._refuse(answer.error)
        elif isinstance(answer, Restored):
            self.refused = None
            self._say(self.tr("Your chats are back"), _restored_words(answer))
            self.form.show_open()
        else:
            self.opened.emit(answer)

    def _mends(self, error: SnugError) -> bool:
        """It was no attempt to open, and another key would not have helped it."""
        return self.refused is not None and not isinstance(error, VaultLockedError | WrongKeyError)

    def _on_mend_restore_chosen(self, path: Path) -> None:
        care, secret = self._care, self._secret
        if care is not None:
            self._repair(lambda: care.restore(path, secret))

    def _on_mend_salvage_chosen(self) -> None:
        care, secret = self._care, self._secret
        if care is not None:
            self._repair(lambda: care.salvage(secret))

    def _repair(self, work: Callable[[], Restored]) -> None:
        self._words.setText(self.tr("Every message is looked at. That may take a while…"))
        self._run(work)

    def _refuse(self, error: SnugError) -> None:
        """Say why it did not open, and ask again where another answer may."""
        kinds = self._kinds()
        if not _can_be_answered(error, kinds):
            self.refused = error
            self._say(self.tr("Your chats cannot be opened"), error.message)
            care = self._care if isinstance(error, VaultDamagedError) else None
            self.form.show_again(first=care is None)
            if care is not None:
                self._mend.offer(care.backups())
            return
        self._say(self.tr("Your chats are locked"), "")
        self.form.show_question(kinds)
        if isinstance(error, WrongKeyError):
            self._patience.note_wrong()
            self._tick.start()
            self._on_tick_timeout()
        self.form.show_problem(error.message)

    def _on_tick_timeout(self) -> None:
        left_s = math.ceil(self._patience.left_s())
        self.form.show_wait(left_s)
        if not left_s:
            self._tick.stop()

    # -- Qt -----------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:
        """The person leaves, or the window with the chats is there."""
        self._tasks.close()
        self._bridge.close()
        event.accept()
        self.left.emit()


def _restored_words(done: Restored) -> str:
    words = QCoreApplication.translate("LockWindow", "Chats: {}, messages: {}.").format(
        count_words(done.conversations), count_words(done.messages)
    )
    if lost := sum(done.lost.values()):
        lost_words = QCoreApplication.translate("LockWindow", "About {} places cannot be read.")
        words += " " + lost_words.format(count_words(lost))
    if done.aside is not None:
        aside = QCoreApplication.translate(
            "LockWindow", "What was there before is in {}; delete it when all is well."
        )
        words += " " + aside.format(done.aside)
    return words


def _can_be_answered(error: SnugError, kinds: tuple[str, ...]) -> bool:
    """Whether the person can give something else that may open the vault."""
    if kinds and _SILENT.issuperset(kinds):
        return False
    if isinstance(error, VaultLockedError | WrongKeyError):
        return True
    # A slip in a recovery code. Without a vault a text would become the passphrase of a new one.
    return type(error) is UserError and bool(kinds)


def _ratio(widget: QWidget) -> float:
    return widget.devicePixelRatioF()
