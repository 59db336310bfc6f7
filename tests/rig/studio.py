"""A storage with everything that records to it, and a recorder that a test leads by the hand."""

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from lightnvr.media.hub import Subscription
from lightnvr.media.packets import MediaItem, MediaPacket
from lightnvr.recording.clock import WallClock
from lightnvr.recording.disk import Disk, OsDisk
from lightnvr.recording.finaliser import Finaliser
from lightnvr.recording.layout import DirectoryFormat
from lightnvr.recording.model import CaptureMethod
from lightnvr.recording.open_recordings import OpenRecording, OpenRecordings
from lightnvr.recording.place import RecorderSettings, RecordingPlace
from lightnvr.recording.recorder import Recorder
from lightnvr.recording.storage import Storage
from lightnvr.recording.storages import StoragePlan, Storages
from tests.rig.fake_time import FakeTime
from tests.rig.waiting import PATIENCE_S, until


class PacedSubscription(Subscription):
    """A queue whose reader does one turn each time the test says so."""

    def __init__(self, limit_bytes: int = 64 << 20, limit_s: float = 30) -> None:
        super().__init__(limit_bytes, limit_s)
        self._go = threading.Semaphore(0)
        self._idle = threading.Semaphore(0)

    def wait(self, timeout_s: float) -> None:
        """Wait until the test wants a turn."""
        self._idle.release()
        assert self._go.acquire(timeout=PATIENCE_S)

    def turn(self) -> None:
        """Let the reader take what waits, and return when it has dealt with it."""
        self.begin_turn()
        self.end_turn()

    def begin_turn(self) -> None:
        """Let the reader take what waits."""
        assert self._idle.acquire(timeout=PATIENCE_S)
        self._go.release()

    def end_turn(self) -> None:
        """Wait until the reader has dealt with it."""
        assert self._idle.acquire(timeout=PATIENCE_S)
        self._idle.release()

    def close(self) -> None:
        """See Subscription."""
        super().close()
        self._go.release()


class Studio:
    """Everything that one storage needs, on clocks of the test. To be used in a `with`, which finishes all files."""

    def __init__(
        self,
        root: Path,
        disk: Disk | None = None,
        *,
        fragment_duration_us: int = 500_000,
        spare: Path | None = None,
    ) -> None:
        self.time = FakeTime()
        self.disk: Disk = disk or OsDisk()
        self.storage = Storage(1, "main", root)
        self.storage.adopt()
        self.storages = Storages.only(self.storage) if spare is None else self._with_spare(spare)
        self.steps: list[float] = []
        self.clock = WallClock(
            monotonic_ns=self.time.monotonic_ns, system_ns=self.time.system_ns, on_step=self.steps.append
        )
        self.open_recordings = OpenRecordings()
        self.not_finalised: list[OSError] = []
        self.finaliser = Finaliser(self.disk, lambda recording, error: self.not_finalised.append(error), retry_s=0.02)
        self.place = RecordingPlace(
            storages=self.storages,
            disk=self.disk,
            clock=self.clock,
            open_recordings=self.open_recordings,
            finaliser=self.finaliser,
            directory_format=DirectoryFormat.YEAR_MONTH_DAY,
            fragment_duration_us=fragment_duration_us,
        )
        self._recorders: list[Recorder] = []

    def _with_spare(self, root: Path) -> Storages:
        spare = Storage(2, "spare", root)
        spare.adopt()
        roots = {"main": self.storage.root, "spare": root}
        plan = StoragePlan(roots, "main", fallback="spare")
        return Storages({"main": self.storage, "spare": spare}, plan, self.time.monotonic_s)

    def __enter__(self) -> Self:
        self.finaliser.start()
        return self

    def __exit__(self, *_: object) -> None:
        for recorder in self._recorders:
            recorder.stop()
            assert recorder.join(PATIENCE_S)
        assert self.finaliser.stop(PATIENCE_S)

    def recorder(
        self, subscription: Subscription, *, segment_s: float = 2, stream: str = "door", folder: str = "door"
    ) -> Recorder:
        """Return a recorder that has begun."""
        settings = RecorderSettings(stream, folder, segment_s, CaptureMethod.CONTINUOUS)
        recorder = Recorder(self.place, settings, subscription, lambda: 15.0, self.time.monotonic_s)
        recorder.start()
        self._recorders.append(recorder)
        return recorder

    def led(self, *, segment_s: float = 2, stream: str = "door") -> "LedRecorder":
        """Return a recorder that the test leads."""
        subscription = PacedSubscription()
        return LedRecorder(
            self, self.recorder(subscription, segment_s=segment_s, stream=stream, folder=stream), subscription
        )

    @property
    def recordings(self) -> list[OpenRecording]:
        """All recordings of this run, in the order in which they begin."""
        return sorted(self.open_recordings, key=lambda recording: (recording.facts.start_us, str(recording.facts.path)))

    def wait_until_finalised(self) -> None:
        """Wait until nothing is left that is closed but not finished."""
        until(lambda: all(r.finalised for r in self.open_recordings if r.closing), "every closed file is finished")


class LedRecorder:
    """A recorder, its queue, and time that passes as packets arrive."""

    def __init__(self, studio: Studio, recorder: Recorder, subscription: PacedSubscription) -> None:
        self._studio = studio
        self.recorder = recorder
        self.subscription = subscription

    def feed(self, items: Iterable[MediaItem], turn_every_s: float = 0.25) -> None:
        """Let items arrive, each at its time; the recorder takes them every quarter of a second of that time."""
        time = self._studio.time
        turned_ns = time.monotonic_ns()
        for item in items:
            if isinstance(item, MediaPacket):
                time.pass_until(item.arrival_ns)
            self.subscription.offer(item)
            if time.monotonic_ns() - turned_ns >= turn_every_s * 1e9:
                turned_ns = time.monotonic_ns()
                self.subscription.turn()
        self.subscription.turn()

    def stop(self) -> None:
        """End the recording and wait for its files."""
        self.recorder.stop()
        assert self.recorder.join(PATIENCE_S)
        self._studio.wait_until_finalised()
