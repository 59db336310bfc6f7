"""A detector that is another program, asked over HTTP."""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import av
import numpy as np

from lightnvr.detection.detector import DetectionFailed, Found, Picture
from lightnvr.detection.detector_answer import UnreadableAnswer, read_answer
from lightnvr.detection.detector_request import DetectorRequests, RequestFailed
from lightnvr.media.snapshot import encode_jpeg

_AT_ONCE = 2
"""Requests to one detector at a time: most of them work on one picture after another."""

_QUALITY = 85
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class ExternalCounts:
    """How an external detector does. `error` is a sentence, empty while all is well."""

    requests: int = 0
    failures: int = 0
    error: str = ""


class ExternalDetector:
    """Sends each picture as JPEG. After a failure it waits, from 1 s up to a minute. Implements `Detector`."""

    def __init__(
        self,
        requests: DetectorRequests,
        threshold_of: Callable[[int], float],
        name: str,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`threshold_of` gives the least score, a fraction, that a stream (by its id) wants; `name` is for the log."""
        self._requests = requests
        self._threshold_of = threshold_of
        self._name = name
        self._monotonic = monotonic
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="external detector")
        self._pause_s = _FIRST_PAUSE_S
        self._again_at = 0.0
        self.counts = ExternalCounts()

    @property
    def wants_colour(self) -> bool:
        """See Detector."""
        return True

    @property
    def input_size(self) -> tuple[int, int] | None:
        """See Detector."""
        return None

    def look(self, pictures: Sequence[Picture]) -> Sequence[Sequence[Found]]:
        """See Detector. Pictures that got no answer are empty; raises only when none got one."""
        if (wait_s := self._again_at - self._monotonic()) > 0:
            raise DetectionFailed(f"{self.counts.error} It is asked again in {max(1, round(wait_s))} s.")
        answers = list(self._pool.map(self._ask, pictures))
        self.counts.requests += len(answers)
        errors = [answer for answer in answers if isinstance(answer, str)]
        self.counts.failures += len(errors)
        if errors:
            self._failed(errors[0])
            if len(errors) == len(answers):
                raise DetectionFailed(errors[0])
        elif self.counts.error:
            log.info("the detector %s answers again", self._name)
            self.counts.error, self._pause_s = "", _FIRST_PAUSE_S
        return [() if isinstance(answer, str) else answer for answer in answers]

    def forget(self, stream_id: int) -> None:
        """See Detector. Nothing is remembered."""

    def interrupt(self) -> None:
        """See Detector."""
        self._requests.interrupt()

    def close(self) -> None:
        """See Detector. Requests that are on their way end within their time."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, picture: Picture) -> list[Found] | str:
        """Return what is in a picture, or a sentence saying why that is not known."""
        try:
            content = self._requests.send(_jpeg(picture), self._threshold_of(picture.stream_id))
            return read_answer(content)
        except (RequestFailed, UnreadableAnswer) as error:
            return str(error)
        except av.FFmpegError as error:
            return f"A picture could not be made for the detector: {error.strerror}."

    def _failed(self, error: str) -> None:
        if not self.counts.error:
            log.warning("the detector %s fails: %s", self._name, error)
        self.counts.error = error
        self._again_at = self._monotonic() + self._pause_s
        self._pause_s = min(_LONGEST_PAUSE_S, self._pause_s * 2)


def _jpeg(picture: Picture) -> bytes:
    form = "rgb24" if picture.pixels.ndim == 3 else "gray"
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture.pixels), format=form)
    return encode_jpeg(frame, frame.width, frame.height, _QUALITY)
