"""Which detector a stream's setting means: each is made once, and shared by all streams that use it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from lightnvr.detection.detector import Detector
from lightnvr.detection.detector_address import DetectorAddress, InvalidAddress, Reach
from lightnvr.detection.detector_request import DetectorRequests
from lightnvr.detection.models_folder import ModelsFolder, UnusableModel
from lightnvr.events.edges import Origin


class NoDetector(Exception):
    """There is no such detector; the text is a sentence for the status of the stream."""


@dataclass(frozen=True, slots=True)
class DetectorOptions:
    """What detectors are made from.

    `address` is that of `api-detection`, `backend` what an external detector is asked to use, `networks` (separated by
    commas) are those beyond this machine and private ones that streams may name detectors in. `threads` is how many
    one model may use.
    """

    address: str = "http://localhost:8000/detect"
    backend: str = "onnx"
    networks: str = ""
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Lent:
    """A detector that is lent to a stream: `key` is the same for all streams that share it."""

    key: str
    origin: Origin
    detector: Detector


@dataclass(slots=True)
class _Shared:
    lent: Lent
    borrowers: int = 0


class Detectors:
    """Makes detectors when the first stream needs them and closes them when the last one does not. Thread-safe."""

    def __init__(
        self,
        folder: ModelsFolder,
        options: Callable[[], DetectorOptions],
        motion: Callable[[], Detector],
        threshold_of: Callable[[int], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`options` gives those in force, `motion` makes built-in motion.

        `threshold_of` gives the least score, a fraction, that a stream (by its id) wants.
        """
        self._folder = folder
        self._options = options
        self._motion = motion
        self._threshold_of = threshold_of
        self._monotonic = monotonic
        self._shared: dict[str, _Shared] = {}
        self._lock = Lock()

    def borrow(self, model: str, own_address: str = "") -> Lent | None:
        """Return the detector that a stream's `detection_model` means, None when it means none of ours.

        `own_address` is the stream's `detection_api_url`, which goes before the server's. Loading a model takes up to
        seconds: not for the event loop. Raises NoDetector.
        """
        with self._lock:
            try:
                made = self._made(model.strip(), own_address.strip())
            except (UnusableModel, InvalidAddress) as error:
                raise NoDetector(str(error)) from error
            if made is not None:
                self._shared.setdefault(made.key, _Shared(made)).borrowers += 1
            return made

    def give_back(self, lent: Lent) -> None:
        """Say that a stream needs it no more."""
        with self._lock:
            shared = self._shared[lent.key]
            shared.borrowers -= 1
            if shared.borrowers == 0:
                del self._shared[lent.key]
                lent.detector.close()

    def interrupt(self) -> None:
        """Have all detectors come to their end soon."""
        with self._lock:
            for shared in self._shared.values():
                shared.lent.detector.interrupt()

    def _made(self, model: str, own_address: str) -> Lent | None:
        if model in {"", "onvif"}:
            return None
        if model == "motion":
            return self._once("motion", Origin.MOTION, self._motion)
        options = self._options()
        if model == "api-detection":
            return self._external(own_address or options.address, options, anywhere=not own_address)
        if model.startswith(("http://", "https://")):
            return self._external(model, options, anywhere=False)
        path = self._folder.file(model)
        return self._once(f"{path} {options.threads}", Origin.MODEL, lambda: _model(path, options.threads))

    def _external(self, text: str, options: DetectorOptions, *, anywhere: bool) -> Lent:
        address = DetectorAddress.parse(text)
        reach = Reach.of(options.networks, anywhere=anywhere)

        def make() -> Detector:
            # Loaded late, as below.
            from lightnvr.detection.external_detector import ExternalDetector  # noqa: PLC0415

            requests = DetectorRequests(address, reach, options.backend)
            return ExternalDetector(requests, self._threshold_of, address.authority, monotonic=self._monotonic)

        return self._once(f"{text} {options.backend} {anywhere} {options.networks}", Origin.EXTERNAL, make)

    def _once(self, key: str, origin: Origin, make: Callable[[], Detector]) -> Lent:
        known = self._shared.get(key)
        return Lent(key, origin, make()) if known is None else known.lent


def _model(path: Path, threads: int) -> Detector:
    # Loaded late: it needs NumPy, which takes memory, and most installations have no model.
    from lightnvr.detection.model_detector import ModelDetector  # noqa: PLC0415
    from lightnvr.detection.model_loading import load_model  # noqa: PLC0415

    return ModelDetector(load_model(path, threads))
