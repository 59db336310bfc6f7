"""Detection, put together: which streams are looked at, by what, and where their pictures come from."""

import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from lightnvr.config.in_force import SettingsInForce
from lightnvr.config.settings import Settings
from lightnvr.detection.detector import Detector
from lightnvr.detection.detectors import DetectorOptions, Detectors
from lightnvr.detection.models_folder import ModelsFolder
from lightnvr.detection.plan import MOTION_MODEL, DetectionPlan, Looks, Plans
from lightnvr.detection.service import DetectionService
from lightnvr.detection.sieve import Rules
from lightnvr.detection.zones import Zone, ZoneStore
from lightnvr.events.edges import Edges
from lightnvr.media.hub import Hub
from lightnvr.streams.catalog import StreamCatalog
from lightnvr.streams.fleet import Fleet
from lightnvr.streams.model import Stream
from lightnvr.streams.schedule import is_open, system_zone
from lightnvr.streams.supervisor import StreamSupervisor


def detector_options(settings: Settings) -> DetectorOptions:
    """Return what detectors are made from."""
    external = settings.api_detection
    known = re.fullmatch(r"[A-Za-z0-9_-]+", external.backend)
    return DetectorOptions(
        address=external.url,
        backend=external.backend if known else "onnx",
        networks=external.networks,
        threads=settings.detection_engine.threads,
    )


def detection_plan(stream: Stream, zones: tuple[Zone, ...], settings: Settings) -> DetectionPlan | None:
    """Return how a stream is watched; None when it is not: then only triggers from outside make events."""
    wanted = stream.settings
    model = wanted.detection_model.strip()
    if not (wanted.detection_based_recording and wanted.enabled) or stream.privacy_mode or model in {"", "onvif"}:
        return None
    named = {name.strip() for name in settings.detection.every_picture.split(",")}
    every_picture = model == MOTION_MODEL and not named.isdisjoint({stream.name, "*"})
    return DetectionPlan(
        stream.id,
        stream.name,
        model,
        wanted.detection_api_url,
        float(wanted.detection_interval),
        Rules.of(
            wanted.detection_threshold, wanted.detection_object_filter, wanted.detection_object_filter_list, zones
        ),
        Looks.EVERY_PICTURE if every_picture else Looks.KEYFRAMES,
        wanted.detection_recording_schedule if wanted.detection_record_on_schedule else None,
        "" if model == MOTION_MODEL else str(detector_options(settings)),
    )


class SupervisedScene:
    """Where the pictures of a stream of the fleet come from. Implements `Scene`."""

    def __init__(self, supervisor: StreamSupervisor, *, use_small: bool) -> None:
        self._supervisor = supervisor
        self._use_small = use_small

    @property
    def hub(self) -> Hub:
        """See Scene."""
        return self._supervisor.hub

    @property
    def small(self) -> Hub | None:
        """See Scene."""
        sub_stream = self._supervisor.sub_stream
        return sub_stream.hub if self._use_small and sub_stream.exists else None

    def acquire_small(self) -> None:
        """See Scene."""
        self._supervisor.sub_stream.acquire()

    def release_small(self) -> None:
        """See Scene."""
        self._supervisor.sub_stream.release()


def _motion(plans: Plans) -> Detector:
    # Loaded late: it needs NumPy, which takes memory.
    from lightnvr.detection.motion import MotionDetector  # noqa: PLC0415

    return MotionDetector(plans.zones_of)


@asynccontextmanager
async def seeing(
    in_force: SettingsInForce,
    zones: ZoneStore,
    catalog: StreamCatalog,
    fleet: Fleet,
    edges: Edges,
    wall_us: Callable[[int], int],
) -> AsyncIterator[DetectionService]:
    """Look at every stream that wants it until the context is left.

    `wall_us` gives the time of recordings for a moment of the monotonic clock in nanoseconds.
    """
    settings = in_force.current
    plans = Plans()
    detectors = Detectors(
        ModelsFolder(settings.models.path),
        lambda: detector_options(in_force.current),
        partial(_motion, plans),
        plans.threshold_of,
    )

    async def load(stream_id: int) -> DetectionPlan | None:
        stream = await catalog.by_id(stream_id)
        if stream is None:
            return None
        return detection_plan(stream, await zones.of(stream_id), in_force.current)

    def scene_of(stream_id: int) -> SupervisedScene | None:
        supervisor = fleet.find(stream_id)
        return None if supervisor is None else SupervisedScene(supervisor, use_small=settings.detection.use_sub_stream)

    service = DetectionService(
        load,
        scene_of,
        plans,
        detectors,
        edges,
        wall_us=wall_us,
        is_open=lambda hours: is_open(hours, system_zone, time.time()),
        grace_s=lambda: float(in_force.current.detection.grace_period),
        threads=settings.detection.threads,
    )
    watched = {stream.id for stream in await catalog.every()}
    await service.start(watched)

    async def follow(stream_id: int) -> None:
        watched.add(stream_id)
        await service.apply(stream_id)

    fleet.on_applied(follow)
    in_force.on_change(lambda _: service.renew(watched))
    zones.on_changed(lambda stream_id: service.renew([stream_id]))
    try:
        yield service
    finally:
        await service.close()
