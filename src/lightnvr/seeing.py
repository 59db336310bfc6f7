"""Detection, put together: which streams are looked at, by what, and where their pictures come from."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from lightnvr.config import Settings
from lightnvr.config.sampling_settings import DetectionSettings
from lightnvr.db.engine import Database
from lightnvr.detection.detectors import DetectorOptions, Detectors
from lightnvr.detection.models_folder import ModelsFolder
from lightnvr.detection.motion import MotionDetector
from lightnvr.detection.plan import MOTION_MODEL, DetectionPlan, Looks, Plans
from lightnvr.detection.service import DetectionOptions, DetectionService
from lightnvr.detection.sieve import Rules
from lightnvr.detection.zones import Zone, zones_of
from lightnvr.events.edges import Edges
from lightnvr.media.hub import Hub
from lightnvr.streams.catalog import StreamCatalog
from lightnvr.streams.fleet import Fleet
from lightnvr.streams.model import Stream
from lightnvr.streams.schedule import is_open, system_zone
from lightnvr.streams.supervisor import StreamSupervisor


def detection_options(settings: DetectionSettings) -> DetectionOptions:
    """Return how streams are looked at."""
    return DetectionOptions(settings.threads, float(settings.grace_period))


def detection_plan(stream: Stream, zones: tuple[Zone, ...], settings: DetectionSettings) -> DetectionPlan | None:
    """Return how a stream is watched; None when it is not: then only triggers from outside make events."""
    wanted = stream.settings
    model = wanted.detection_model.strip()
    if not (wanted.detection_based_recording and wanted.enabled) or stream.privacy_mode or model in {"", "onvif"}:
        return None
    named = {name.strip() for name in settings.every_picture.split(",")}
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


@asynccontextmanager
async def seeing(
    settings: Settings,
    database: Database,
    catalog: StreamCatalog,
    fleet: Fleet,
    edges: Edges,
    wall_us: Callable[[int], int],
) -> AsyncIterator[DetectionService]:
    """Look at every stream that wants it until the context is left.

    `wall_us` gives the time of recordings for a moment of the monotonic clock in nanoseconds.
    """
    plans = Plans()
    detectors = Detectors(
        ModelsFolder(settings.general.data_dir / "models"),
        DetectorOptions,
        partial(MotionDetector, plans.zones_of),
        plans.threshold_of,
    )

    async def load(stream_id: int) -> DetectionPlan | None:
        stream = await catalog.by_id(stream_id)
        if stream is None:
            return None
        async with database.reading.connect() as connection:
            zones = await zones_of(connection, stream_id)
        return detection_plan(stream, zones, settings.detection)

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
        options=detection_options(settings.detection),
    )
    await service.start([stream.id for stream in await catalog.every()])
    fleet.on_applied(service.apply)
    try:
        yield service
    finally:
        await service.close()
