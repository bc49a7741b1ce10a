"""A conversation as a PDF, set by Qt from inert HTML: nothing is loaded while it is made."""

from __future__ import annotations

import os
from datetime import date

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QGuiApplication,
    QPageLayout,
    QPageSize,
    QPainter,
    QPdfWriter,
)

from snug.ui.text.inert_document import InertDocument

_DPI = 144
_MARGIN_MM = 18.0
_FOOT = 30.0  # pixels kept for the page's number
_STYLE = """
h1 { font-size: 18pt } h2, h3 { font-size: 12pt } header { color: #5c6066 }
pre { background: #f4f3f0; font-family: monospace; font-size: 9pt; white-space: pre-wrap }
code { font-family: monospace; font-size: 9pt } td, th { padding: 4px }
.k, .kn, .kd, .ow { color: #00627a } .s, .s1, .s2 { color: #8a3b00 } .c, .c1 { color: #5c6066 }
"""


def make_pdf(title: str, body: str) -> bytes:
    """A PDF on A4 with the title and the day on top and page numbers below.

    Works in the window's process and, without a window, on Qt's offscreen platform. Any thread
    that may use fonts; the terminal calls it on its only one.
    """
    application = QGuiApplication.instance()
    if application is None:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        application = QGuiApplication([])
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setResolution(_DPI)
    writer.setTitle(title)
    writer.setCreator("Snug")
    writer.setPageLayout(
        QPageLayout(
            QPageSize(QPageSize.PageSizeId.A4),
            QPageLayout.Orientation.Portrait,
            QMarginsF(_MARGIN_MM, _MARGIN_MM, _MARGIN_MM, _MARGIN_MM),
            QPageLayout.Unit.Millimeter,
        )
    )
    _paint(writer, title, body)
    buffer.close()
    return bytes(content.data())


def _paint(writer: QPdfWriter, title: str, body: str) -> None:
    width, height = float(writer.width()), float(writer.height()) - 2 * _FOOT
    document = InertDocument()
    document.documentLayout().setPaintDevice(writer)
    document.setDefaultFont(QFont("sans-serif", 10))
    document.setDefaultStyleSheet(_STYLE)
    document.setDocumentMargin(0)
    # Qt's rich text knows no <details>: what it folds becomes a paragraph of its own.
    body = body.replace("<summary>", "<p><i>").replace("</summary>", "</i></p>")
    document.setHtml(body)
    document.setPageSize(QRectF(0, 0, width, height).size())
    pages = document.pageCount()
    painter = QPainter(writer)
    try:
        for page in range(pages):
            if page:
                writer.newPage()
            _paint_edges(painter, width, height, title, f"{page + 1} / {pages}")
            painter.save()
            painter.translate(0, _FOOT - page * height)
            document.drawContents(painter, QRectF(0, page * height, width, height))
            painter.restore()
    finally:
        painter.end()


def _paint_edges(painter: QPainter, width: float, height: float, title: str, number: str) -> None:
    painter.setFont(QFont("sans-serif", 8))
    painter.setPen(QColor("#5c6066"))
    top = QRectF(0, 0, width, _FOOT)
    day = date.today().isoformat()  # noqa: DTZ011 - the person's own day
    room = int(width * 0.75)
    shown = painter.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, room)
    painter.drawText(top, int(Qt.AlignmentFlag.AlignLeft), shown)
    painter.drawText(top, int(Qt.AlignmentFlag.AlignRight), day)
    foot = QRectF(0, height + _FOOT, width, _FOOT)
    painter.drawText(
        foot, int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom), number
    )
