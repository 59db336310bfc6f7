"""Two disks: each is measured, and room is made on it, by itself."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lightnvr.recording.service import Candidate, Volume
from lightnvr.storage.keeper import Keeper, KeeperOptions
from lightnvr.storage.pressure import Pressure, PressureRules
from lightnvr.storage.retention import Rules
from tests.unit.storage.archive import START_US, Clock, MemoryArchive

pytestmark = pytest.mark.anyio


@dataclass(slots=True)
class TwoDisks(MemoryArchive):
    """Recordings on two disks of 10,000 bytes; `away` has the reason for each that is not there."""

    away: dict[int, str] = field(default_factory=dict)

    def put(self, storage_id: int, count: int, stream_name: str = "door") -> list[int]:
        """Put recordings of 100 bytes on a disk, one a second, and return their ids."""
        added = [self.add(stream_name, START_US + len(self.recordings) * 1_000_000) for _ in range(count)]
        for key in added:
            each = self.recordings[key]
            self.recordings[key] = Candidate(
                key, each.stream_name, storage_id, each.start_us, 100, each.capture_method, each.tier, None
            )
        return added

    def on(self, storage_id: int) -> set[int]:
        """The recordings on a disk."""
        return {key for key, each in self.recordings.items() if each.storage_id == storage_id}

    async def volumes(self) -> tuple[Volume, ...]:
        """See Archive."""
        return tuple(
            Volume(key, Path(f"/disk{key}"), error=self.away[key], name=f"disk{key}")
            if key in self.away
            else Volume(key, Path(f"/disk{key}"), 10_000, 10_000 - 100 * len(self.on(key)), name=f"disk{key}")
            for key in (1, 2)
        )

    def written_bytes(self) -> dict[int, int]:
        """See Archive."""
        return {key: 100 * len(self.on(key)) for key in (1, 2)}


def _keeper(archive: TwoDisks, clock: Clock) -> Keeper:
    async def rules() -> Rules:
        return Rules({})

    options = KeeperOptions(PressureRules(), steady_s=0)
    return Keeper(archive, rules, options, system_us=clock.system_us, monotonic_s=clock.monotonic_s)


async def test_room_is_made_on_the_disk_that_lacks_it_and_nowhere_else() -> None:
    archive, clock = TwoDisks(), Clock()
    older, newer = archive.put(1, 50), archive.put(2, 95)
    keeper = _keeper(archive, clock)
    await keeper.turn()
    assert archive.gone == newer[:5]
    assert archive.on(1) == set(older)
    report = await keeper.report()
    assert [(each.name, each.pressure, each.free_bytes) for each in report.volumes] == [
        ("disk1", Pressure.NORMAL, 5000),
        ("disk2", Pressure.WARNING, 1000),
    ]
    assert (report.free_bytes, report.pressure) == (1000, Pressure.WARNING)


async def test_only_the_disk_that_is_being_filled_makes_room_ahead() -> None:
    archive, clock = TwoDisks(), Clock()
    archive.put(1, 88)
    archive.put(2, 10)
    keeper = _keeper(archive, clock)
    for _ in range(10):
        await keeper.turn()
        clock.seconds += 2
        archive.put(2, 1)
    report = await keeper.report()
    assert archive.gone == []
    assert report.volumes[0].fill_rate_bps == 0
    assert report.volumes[1].fill_rate_bps == pytest.approx(50, rel=0.2)


async def test_a_disk_that_is_away_keeps_everything_and_the_other_makes_room() -> None:
    archive, clock = TwoDisks(), Clock()
    away, there = archive.put(1, 99), archive.put(2, 99)
    archive.away[1] = "The storage /disk1 is not there."
    keeper = _keeper(archive, clock)
    await keeper.turn()
    assert archive.on(1) == set(away)
    assert set(there) - archive.on(2) == set(there[:9])
    report = await keeper.report()
    assert (report.volumes[0].error, report.volumes[0].pressure) == ("The storage /disk1 is not there.", None)
    assert report.volumes[1].pressure is Pressure.WARNING


async def test_two_storages_on_one_disk_make_room_on_it_once() -> None:
    archive, clock = OneDisk(), Clock()
    first, second = archive.put(1, 60), archive.put(2, 35)
    keeper = _keeper(archive, clock)
    await keeper.turn()
    assert archive.gone == first[:5]
    assert archive.on(2) == set(second)
    await keeper.clean(aggressive=True)
    assert archive.gone == first[:5]


class OneDisk(TwoDisks):
    """The same with both storages on one disk."""

    async def volumes(self) -> tuple[Volume, ...]:
        """See Archive."""
        free = 10_000 - 100 * len(self.recordings)
        return tuple(Volume(key, Path(f"/folder{key}"), 10_000, free, device=7) for key in (1, 2))
