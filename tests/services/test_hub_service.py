"""What the vault keeps of the Hub: the ledger in pages."""

from __future__ import annotations

import threading
from dataclasses import replace

from snug.domain.ledger import LedgerEntry, Outcome
from snug.domain.model import Device, DeviceKind
from snug.services.hub import available_bytes
from snug.services.ledger import PAGE_ENTRIES, PAGES, VaultLedger


class Settings:
    """Named values in memory."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def setting(self, name: str) -> str | None:
        return self.values.get(name)

    def set_setting(self, name: str, value: str) -> None:
        self.values[name] = value


def entry(number: int) -> LedgerEntry:
    return LedgerEntry(f"{number:08d}", number, "host", "reason")


def test_a_later_record_replaces_the_earlier_one_also_on_the_page_before() -> None:
    ledger = VaultLedger(Settings())
    for number in range(PAGE_ENTRIES + 3):
        ledger.record(entry(number))
    for number in (2, PAGE_ENTRIES + 1):
        ledger.record(replace(entry(number), outcome=Outcome.DONE))
    found = ledger.entries()
    assert [e.id for e in found] == [entry(n).id for n in range(PAGE_ENTRIES + 3)]
    assert [e.time_ms for e in found if e.outcome is Outcome.DONE] == [2, PAGE_ENTRIES + 1]


def test_the_ledger_is_bounded_and_keeps_the_newest() -> None:
    settings = Settings()
    ledger = VaultLedger(settings)
    count = PAGES * PAGE_ENTRIES + 100
    for number in range(count):
        ledger.record(entry(number))
    found = ledger.entries()
    assert PAGE_ENTRIES * (PAGES - 1) <= len(found) <= PAGE_ENTRIES * PAGES
    assert [e.time_ms for e in found] == list(range(count - len(found), count))
    assert len(settings.values) == PAGES + 1


def test_the_ledger_survives_a_restart_and_damage() -> None:
    settings = Settings()
    VaultLedger(settings).record(entry(1))
    assert VaultLedger(settings).entries() == (entry(1),)
    settings.values["ledger.page.0"] = '{"not": "a page"}'
    settings.values["ledger.head"] = "x"
    ledger = VaultLedger(settings)
    ledger.record(entry(2))
    assert ledger.entries() == (entry(2),)


def test_threads_do_not_lose_entries() -> None:
    ledger = VaultLedger(Settings())
    threads = [
        threading.Thread(target=lambda n=n: [ledger.record(entry(100 * n + i)) for i in range(20)])
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ledger.entries()) == 80


def test_memory_for_a_model_is_main_memory_and_real_gpus() -> None:
    devices = [
        Device("cpu", "", DeviceKind.CPU, 8, 16),
        Device("gpu", "", DeviceKind.GPU, 4, 8),
        Device("igpu", "", DeviceKind.INTEGRATED, 8, 16),
    ]
    assert available_bytes(devices) == 12
    assert available_bytes([]) is None
