"""The keeper deletes what is to go, when it is to go, and leaves the rest."""

import asyncio
import logging

import pytest

from lightnvr.recording.model import DAY_US, CaptureMethod, Tier
from lightnvr.storage.keeper import Keeper, KeeperOptions
from lightnvr.storage.pressure import Pressure, PressureRules
from lightnvr.storage.retention import Reason, Rules, StreamRules
from tests.unit.storage.archive import START_US, Clock, MemoryArchive

pytestmark = pytest.mark.anyio
_NOW_US = START_US + 1000 * 1_000_000


class Kept:
    """A keeper of an archive, with its clock."""

    def __init__(self, archive: MemoryArchive, rules: Rules | None = None, **options: float | bool) -> None:
        self.archive = archive
        self.clock = Clock()
        self.rules = rules or Rules({})
        self.keeper = Keeper(
            archive,
            self._rules,
            KeeperOptions(
                PressureRules(min_free_pct=options.get("min_free_pct", 10.0)),
                auto_delete_oldest=bool(options.get("auto_delete_oldest", True)),
                steady_s=options.get("steady_s", 0.0),
            ),
            system_us=self.clock.system_us,
            monotonic_s=self.clock.monotonic_s,
        )

    async def _rules(self) -> Rules:
        return self.rules

    async def turns(self, count: int = 1, *, every_s: float = 15.0) -> None:
        """Let it do what is due, so many times."""
        for _ in range(count):
            await self.keeper.turn()
            self.clock.seconds += every_s


def _days_ago(days: float) -> int:
    return _NOW_US - int(days * DAY_US)


async def test_what_is_too_old_goes_and_what_is_not_stays(caplog: pytest.LogCaptureFixture) -> None:
    archive = MemoryArchive()
    old = [archive.add("door", _days_ago(31)) for _ in range(3)]
    others = [archive.add("gone", _days_ago(8)) for _ in range(2)]
    young = archive.add("door", _days_ago(29))
    protected = archive.add("door", _days_ago(100))
    archive.protected.add(protected)
    kept = Kept(archive, Rules({"door": StreamRules(retention_days=30)}, StreamRules(retention_days=7)))
    with caplog.at_level(logging.INFO):
        await kept.turns()
    assert archive.gone == [*old, *others]
    assert set(archive.recordings) == {young, protected}
    report = await kept.keeper.report()
    assert report.deleted == {Reason.AGE: 5, Reason.QUOTA: 0, Reason.TOTAL: 0, Reason.SPACE: 0}
    assert (report.freed_bytes, report.last_cleanup.count) == (500, 5)
    lines = [record.message for record in caplog.records if "deleted" in record.message]
    assert len(lines) == 2
    assert "door: deleted 3 recordings" in lines[0]
    assert "older than they are kept" in lines[0]
    await kept.turns(5)
    assert len(archive.gone) == 5
    assert (await kept.keeper.report()).last_cleanup.count == 5


async def test_nothing_is_too_old_until_the_clock_can_be_believed() -> None:
    archive = MemoryArchive()
    archive.add("door", _days_ago(2))
    kept = Kept(archive, Rules({}, StreamRules(retention_days=1)), steady_s=600)
    await kept.turns(39)
    assert archive.gone == []
    kept.clock.step_s = 365 * 86_400
    await kept.turns(39)
    assert archive.gone == []
    assert (await kept.keeper.clean(aggressive=False)).count == 0
    await kept.turns(10)
    assert archive.gone == [1]


async def test_who_asks_for_it_need_not_wait_after_the_start() -> None:
    archive = MemoryArchive()
    archive.add("door", _days_ago(2))
    kept = Kept(archive, Rules({}, StreamRules(retention_days=1)), steady_s=600)
    assert (await kept.keeper.clean(aggressive=False)).deleted[Reason.AGE] == 1


async def test_a_quota_costs_the_stream_its_oldest_and_no_other_stream_anything() -> None:
    archive = MemoryArchive(total_bytes=10**6)
    door = [archive.add("door", _days_ago(10 - number)) for number in range(8)]
    yard = [archive.add("yard", _days_ago(20)) for _ in range(8)]
    clip = archive.add("door", _days_ago(30), tier=Tier.IMPORTANT, capture_method=CaptureMethod.DETECTION)
    kept = Kept(archive, Rules({"door": StreamRules(quota_bytes=450)}))
    await kept.turns()
    assert archive.gone == door[:5]
    assert set(archive.recordings) == {*door[5:], *yard, clip}


async def test_all_recordings_together_stay_within_the_total() -> None:
    archive = MemoryArchive(total_bytes=10**6)
    ids = [archive.add(("door", "yard")[number % 2], _days_ago(90 - number)) for number in range(20)]
    archive.protected.add(ids[0])
    kept = Kept(archive, Rules({}, total_bytes=1250))
    await kept.turns(3)
    assert archive.gone == ids[1:9]
    report = await kept.keeper.report()
    assert (report.deleted[Reason.TOTAL], report.problems) == (8, ())
    archive.protected.update(ids)
    kept.rules = Rules({}, total_bytes=500)
    kept.clock.seconds += 60
    await kept.turns()
    assert len(archive.gone) == 8
    assert "there is none that may be deleted" in kept.keeper.problems()[0]
    kept.rules = Rules({})
    kept.clock.seconds += 60
    await kept.turns()
    assert kept.keeper.problems() == ()


async def test_nothing_goes_for_the_total_when_nothing_is_to_be_deleted_by_itself() -> None:
    archive = MemoryArchive(total_bytes=10**6)
    for number in range(10):
        archive.add("door", _days_ago(90 - number))
    kept = Kept(archive, Rules({}, total_bytes=500), auto_delete_oldest=False)
    await kept.turns(3)
    assert (await kept.keeper.clean(aggressive=True)).count == 0
    assert archive.gone == []
    assert "auto_delete_oldest is false" in kept.keeper.problems()[0]


async def test_space_is_made_by_deleting_the_oldest_and_no_more_than_needed() -> None:
    archive = MemoryArchive(total_bytes=10_000)
    ids = [archive.add(("door", "yard")[number % 2], _days_ago(90 - number)) for number in range(95)]
    kept = Kept(archive)
    await kept.turns(3)
    assert archive.gone == ids[:5]
    assert archive.free_bytes == 1000
    report = await kept.keeper.report()
    assert report.deleted[Reason.SPACE] == 5
    assert (report.pressure, report.problems) == (Pressure.WARNING, ())


async def test_many_go_in_the_right_order_although_only_some_are_looked_at() -> None:
    archive = MemoryArchive(total_bytes=100_000)
    ids = [archive.add(f"cam{number % 3}", _days_ago(900 - number)) for number in range(990)]
    special = [
        archive.add(f"cam{number % 3}", _days_ago(2000), tier=Tier.CRITICAL, override_days=0) for number in range(9)
    ]
    archive.other_bytes = 60_000
    kept = Kept(archive)
    await kept.turns(20, every_s=1.0)
    assert archive.gone == ids[: len(archive.gone)]
    assert archive.free_bytes == 10_000
    assert set(special) <= set(archive.recordings)


async def test_auto_delete_oldest_false_means_that_nothing_goes_for_lack_of_space() -> None:
    archive = MemoryArchive(total_bytes=1000)
    for number in range(10):
        archive.add("door", _days_ago(90 - number))
    kept = Kept(archive, auto_delete_oldest=False)
    await kept.turns(5)
    assert (await kept.keeper.clean(aggressive=True)).count == 0
    assert archive.gone == []
    assert any("auto_delete_oldest is false" in problem for problem in kept.keeper.problems())


async def test_what_is_protected_stays_on_a_full_disk() -> None:
    archive = MemoryArchive(total_bytes=1000)
    archive.protected = {archive.add("door", _days_ago(9)) for _ in range(10)}
    kept = Kept(archive, Rules({}, StreamRules(retention_days=1, quota_bytes=1)))
    await kept.turns(5)
    assert archive.asked == []
    assert any("no recording that may be deleted" in problem for problem in kept.keeper.problems())


async def test_a_storage_that_is_not_there_loses_nothing() -> None:
    archive = MemoryArchive(total_bytes=1000)
    archive.add("door", _days_ago(90), 990)
    kept = Kept(archive, Rules({}, StreamRules(retention_days=1, quota_bytes=1)))
    archive.error = "The storage is not there."
    await kept.turns(10)
    assert archive.asked == []
    report = await kept.keeper.report()
    assert (report.pressure, report.error) == (None, "The storage is not there.")
    archive.error = ""
    await kept.turns(10)
    assert archive.gone == [1]


async def test_files_that_cannot_be_removed_are_left_alone_for_a_while(caplog: pytest.LogCaptureFixture) -> None:
    archive = MemoryArchive(total_bytes=10**6)
    archive.stuck = {archive.add("door", _days_ago(90)) for _ in range(70)}
    others = [archive.add("door", _days_ago(80)) for _ in range(60)]
    kept = Kept(archive, Rules({}, StreamRules(retention_days=1)))
    await kept.turns(4, every_s=60)
    assert sorted(archive.gone) == others
    assert len(archive.asked) == 130
    assert (await kept.keeper.report()).undeletable == 70
    assert any("70 recordings should be deleted" in problem for problem in kept.keeper.problems())
    errors = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "Read-only file system" in errors[0]
    archive.stuck.clear()
    await kept.turns(11, every_s=60)
    assert archive.recordings == {}
    assert kept.keeper.problems() == ()


async def test_when_deleting_frees_nothing_it_stops() -> None:
    archive = MemoryArchive(total_bytes=100_000, frees=False)
    for number in range(980):
        archive.add("door", _days_ago(900 - number))
    kept = Kept(archive)
    await kept.turns(30)
    assert len(archive.gone) < 200
    assert any("snapshots" in problem for problem in kept.keeper.problems())
    gone = len(archive.gone)
    archive.held_bytes = 0
    archive.frees = True
    await kept.turns(50)
    assert len(archive.gone) - gone <= 80
    assert archive.free_bytes >= 10_000


async def test_a_quickly_filling_disk_is_looked_at_more_often_and_foreseen() -> None:
    archive = MemoryArchive(total_bytes=60_000)
    kept = Kept(archive)
    least = archive.free_bytes
    pause_s = 0.0
    for number in range(400):
        size = int(500 * pause_s) or 1
        archive.add("door", _days_ago(9) + number, size)
        least = min(least, archive.free_bytes)
        pause_s = await kept.keeper.turn()
        kept.clock.seconds += pause_s
    assert pause_s < 15
    assert least > 0
    assert archive.gone == sorted(archive.gone)
    assert (await kept.keeper.report()).fill_rate_bps == pytest.approx(500, rel=0.2)


async def test_cleaning_up_by_hand_frees_no_more_than_the_target() -> None:
    archive = MemoryArchive(total_bytes=10_000)
    for number in range(80):
        archive.add("door", _days_ago(80 - number))
    kept = Kept(archive)
    assert (await kept.keeper.clean(aggressive=True)).count == 0
    archive.other_bytes = 1500
    assert (await kept.keeper.clean(aggressive=False)).count == 0
    cleanup = await kept.keeper.clean(aggressive=True)
    assert (cleanup.count, cleanup.freed_bytes, cleanup.finished) == (5, 500, True)


async def test_a_failure_does_not_end_the_watch() -> None:
    archive, clock, pauses = MemoryArchive(), Clock(), 0
    archive.add("door", _days_ago(2))

    async def rules() -> Rules:
        if pauses < 3:
            raise OSError("the database is busy")
        return Rules({}, StreamRules(retention_days=1))

    async def sleep(seconds: float) -> None:
        nonlocal pauses
        pauses += 1
        clock.seconds += seconds
        if pauses == 5:
            raise asyncio.CancelledError

    options = KeeperOptions(PressureRules(), steady_s=0)
    keeper = Keeper(archive, rules, options, system_us=clock.system_us, monotonic_s=clock.monotonic_s, sleep=sleep)
    with pytest.raises(asyncio.CancelledError):
        await keeper.run()
    assert archive.gone == [1]


async def test_detections_of_a_stream_are_kept_as_long_as_it_says() -> None:
    archive = MemoryArchive(detecting=("door", "yard"))
    kept = Kept(archive, Rules({"door": StreamRules(retention_days=90, detection_retention_days=7)}), steady_s=600)
    await kept.turns(39)
    assert archive.detections_before == {}
    await kept.turns(5)
    before_us = archive.detections_before["door"]
    assert kept.clock.system_us() - 120_000_000 <= before_us + 7 * DAY_US <= kept.clock.system_us()
    # Kept without limit.
    assert archive.detections_before["yard"] == 0
