"""The log in memory: bounded, numbered, and followed from the event loop whatever thread logs."""

import asyncio
import logging
import threading

import pytest

from lightnvr.system.recent_log import RecentLog


@pytest.fixture
def recent() -> RecentLog:
    return RecentLog()


def _record(text: str, level: int = logging.INFO, at: float = 1_790_000_000.0) -> logging.LogRecord:
    record = logging.LogRecord("lightnvr.streams", level, __file__, 1, text, (), None)
    record.created = at
    return record


def test_the_latest_entries_are_given_oldest_first(recent: RecentLog) -> None:
    for number in range(10):
        recent.handle(_record(f"line {number}"))
    assert [entry.text for entry in recent.latest(3)] == ["line 7", "line 8", "line 9"]
    assert [entry.number for entry in recent.latest(3)] == [8, 9, 10]


def test_an_entry_of_several_lines_stays_one(recent: RecentLog) -> None:
    recent.handle(_record("it failed\n  because\n  of this"))
    recent.handle(_record("next"))
    assert [entry.text.count("\n") for entry in recent.latest(10)] == [2, 0]
    assert [entry.text for entry in recent.latest(1)] == ["next"]


def test_entries_can_be_chosen_by_level_and_time(recent: RecentLog) -> None:
    recent.handle(_record("early", logging.ERROR, 100.0))
    recent.handle(_record("usual", logging.INFO, 200.000001))
    recent.handle(_record("late", logging.WARNING, 300.0))
    assert [entry.text for entry in recent.latest(10, level=logging.WARNING)] == ["early", "late"]
    assert [entry.text for entry in recent.latest(10, after_us=100_000_000)] == ["usual", "late"]
    assert [entry.text for entry in recent.latest(10, after_us=200_000_001)] == ["late"]


def test_memory_is_bounded_by_count_and_by_size(recent: RecentLog) -> None:
    for number in range(6000):
        recent.handle(_record(str(number)))
    assert len(recent.latest(10_000)) == 5000
    assert recent.latest(1)[0].number == 6000
    for _ in range(500):
        recent.handle(_record("x" * 10_000))
    kept = recent.latest(10_000)
    assert sum(len(entry.text) for entry in kept) <= 1_000_000
    assert all(len(entry.text) <= 4001 for entry in kept)


def test_clearing_forgets_entries_and_goes_on_counting(recent: RecentLog) -> None:
    recent.handle(_record("before"))
    recent.clear()
    assert recent.latest(10) == []
    recent.handle(_record("after"))
    assert [entry.number for entry in recent.since(0)] == [2]


async def test_who_follows_hears_of_what_another_thread_logs(recent: RecentLog) -> None:
    with recent.followed() as news:
        thread = threading.Thread(target=lambda: recent.handle(_record("from elsewhere")))
        thread.start()
        async with asyncio.timeout(30):
            await news.wait()
        thread.join()
        assert [entry.text for entry in recent.since(0)] == ["from elsewhere"]


def test_a_message_with_wrong_arguments_does_not_stop_who_logs_it(
    recent: RecentLog, capsys: pytest.CaptureFixture[str]
) -> None:
    record = logging.LogRecord("lightnvr", logging.INFO, __file__, 1, "%d of %d", ("one",), None)
    recent.handle(record)
    assert recent.latest(1) == []
