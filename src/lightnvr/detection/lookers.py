"""The threads that decode samples and have detectors look at them: a few, for all streams of a detector."""

import logging
import threading
from collections.abc import Callable, Sequence

from lightnvr.detection.detector import DetectionFailed, Detector, Found, Picture
from lightnvr.detection.eye import Eye
from lightnvr.detection.sampler import Sampler
from lightnvr.media.decoding import UndecodablePicture

log = logging.getLogger(__name__)

Seen = Callable[[Picture, Sequence[Found]], None]
Failed = Callable[[str], None]


class Lookout:
    """One stream of a detector: its sampler, its eye, and who is told. `seen` and `failed` are called by any thread."""

    def __init__(self, stream_id: int, eye: Eye, sampler: Sampler, seen: Seen, failed: Failed) -> None:
        self.stream_id = stream_id
        self.eye = eye
        self.sampler = sampler
        self.seen = seen
        self.failed = failed


class Lookers:
    """Looks at the newest sample of each stream in turn, so that too much work costs all streams the same share.

    Owns its threads.
    """

    def __init__(self, detector: Detector, *, threads: int, together: int, name: str) -> None:
        """`together` is how many pictures of different streams the detector is given at once, at most."""
        self._detector = detector
        self._together = together
        self._turns = threading.Condition()
        self._waiting: dict[Lookout, None] = {}
        self._busy: set[Lookout] = set()
        self._looking = threading.Lock()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"{name} {index}", daemon=True) for index in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def wake(self, lookout: Lookout) -> None:
        """Say that a sample waits; called by any thread, never blocks for long."""
        with self._turns:
            if lookout not in self._waiting:
                self._waiting[lookout] = None
                self._turns.notify_all()

    def leave(self, lookout: Lookout) -> None:
        """Look at a stream no more, and forget it."""
        with self._turns:
            self._waiting.pop(lookout, None)
            while lookout in self._busy:
                self._turns.wait()
        self._detector.forget(lookout.stream_id)

    def close(self) -> None:
        """End the threads; what they are looking at is looked at to its end."""
        with self._turns:
            self._closed = True
            self._waiting.clear()
            self._turns.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while turn := self._next():
            try:
                self._look(turn)
            except Exception:
                # One picture must not end the looking at all others.
                log.exception("looking at pictures failed")
                for lookout in turn:
                    lookout.failed("Looking at a picture failed because of an error in the program.")
            finally:
                with self._turns:
                    self._busy.difference_update(turn)
                    self._turns.notify_all()

    def _next(self) -> list[Lookout]:
        """Wait for streams whose turn it is; none when it is over."""
        with self._turns:
            while True:
                if self._closed:
                    return []
                turn = [lookout for lookout in self._waiting if lookout not in self._busy][: self._together]
                if turn:
                    for lookout in turn:
                        del self._waiting[lookout]
                    self._busy.update(turn)
                    return turn
                self._turns.wait()

    def _look(self, turn: Sequence[Lookout]) -> None:
        seen: list[tuple[Lookout, Picture]] = []
        for lookout in turn:
            picture = self._picture(lookout)
            if picture is not None:
                seen.append((lookout, picture))
        if not seen:
            return
        try:
            with self._looking:
                found = self._detector.look([picture for _, picture in seen])
        except DetectionFailed as error:
            for lookout, _ in seen:
                lookout.failed(str(error))
            return
        for (lookout, picture), items in zip(seen, found, strict=True):
            lookout.seen(picture, items)

    def _picture(self, lookout: Lookout) -> Picture | None:
        sample = lookout.sampler.take()
        if sample is None:
            return None
        if sample.begins:
            with self._looking:
                self._detector.forget(lookout.stream_id)
        try:
            return lookout.eye.see(sample)
        except UndecodablePicture as error:
            lookout.failed(f"A picture of the camera cannot be decoded: {error}.")
            return None
