"""Where the rooms meet: stored configuration becomes plans, plans become recorders."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import replace

from lightnvr.config.settings import StorageSettings, StreamsSettings
from lightnvr.media.hub import Hub
from lightnvr.media.opening import OpenOptions, Transport
from lightnvr.media.source import SourceOptions
from lightnvr.recording.model import Tier
from lightnvr.recording.recorder import Recorder, RecorderSettings, RecordingPlace
from lightnvr.storage.keeper import KeeperOptions
from lightnvr.storage.pressure import PressureRules
from lightnvr.storage.retention import Rules, StreamRules
from lightnvr.streams.model import Stream
from lightnvr.streams.plan import ConnectedSource, RecordingPlan, StreamPlan

_QUEUE_BYTES = 64 * 1024 * 1024
_QUEUE_S = 30.0
"""What a recorder's queue holds: more than twice the 10 s that a disk may stall without a loss."""

_JOIN_POLL_S = 0.02


def plan_for(stream: Stream, patience: StreamsSettings) -> StreamPlan:
    """Return what should run for a configured stream."""
    settings = stream.settings
    opening = OpenOptions(
        transport=Transport.UDP if settings.protocol == 1 else Transport.TCP,
        connect_timeout_s=patience.connect_timeout_s,
        stall_timeout_s=patience.stall_timeout_s,
    )
    return StreamPlan(
        stream_id=stream.id,
        name=stream.name,
        connect=bool(settings.enabled) and not stream.privacy_mode,
        address=stream.address,
        source=SourceOptions(opening, audio=bool(settings.record_audio)),
        recording=RecordingPlan(stream.name, stream.folder, float(settings.segment_duration or 0))
        if settings.record
        else None,
        sub_address=stream.sub_address,
    )


def rules_for(streams: Iterable[Stream], storage: StorageSettings) -> Rules:
    """Return how long the recordings of each configured stream are kept, and those of all others."""
    return Rules({stream.name: _stream_rules(stream, storage) for stream in streams}, _general_rules(storage))


def _general_rules(storage: StorageSettings) -> StreamRules:
    return StreamRules(storage.retention_days, storage.retention_days)


def _stream_rules(stream: Stream, storage: StorageSettings) -> StreamRules:
    settings = stream.settings
    days, detection_days = settings.retention_days, settings.detection_retention_days
    return StreamRules(
        retention_days=storage.retention_days if days < 0 else days,
        detection_retention_days=storage.retention_days if detection_days < 0 else detection_days,
        multipliers={
            Tier.CRITICAL: settings.tier_critical_multiplier,
            Tier.IMPORTANT: settings.tier_important_multiplier,
            Tier.EPHEMERAL: settings.tier_ephemeral_multiplier,
        },
        quota_bytes=settings.max_storage_mb * 1024 * 1024,
        storage_priority=settings.storage_priority,
    )


def keeping(storage: StorageSettings) -> KeeperOptions:
    """Return how the disk is kept from filling up."""
    return KeeperOptions(
        PressureRules(
            warning_pct=storage.pressure_warning_pct,
            critical_pct=storage.pressure_critical_pct,
            emergency_pct=storage.pressure_emergency_pct,
            min_free_pct=storage.min_free_pct,
        ),
        auto_delete_oldest=storage.auto_delete_oldest,
    )


class HubRecorder:
    """A recorder that takes what a hub publishes. Implements `RunningRecorder`."""

    def __init__(self, place: RecordingPlace, plan: RecordingPlan, hub: Hub, connection: ConnectedSource) -> None:
        self._hub = hub
        self._subscription = hub.subscribe(
            limit_bytes=_QUEUE_BYTES, limit_s=_QUEUE_S, batch_s=2 * place.fragment_duration_us / 1e6
        )

        def measured_fps() -> float:
            source = connection.source
            return (source.meter.rates.fps or source.nominal_fps) if source else 0.0

        settings = RecorderSettings(plan.stream_name, plan.folder, plan.segment_duration_s)
        self._recorder = Recorder(place, settings, self._subscription, measured_fps)
        self._recorder.start()

    @property
    def recording(self) -> bool:
        """See RunningRecorder."""
        return self._recorder.recording

    @property
    def error(self) -> str:
        """See RunningRecorder."""
        return self._recorder.error

    def change(self, plan: RecordingPlan) -> None:
        """See RunningRecorder."""
        settings = self._recorder.settings
        self._recorder.settings = replace(settings, segment_duration_s=plan.segment_duration_s)

    def dropped_packets(self) -> int:
        """See RunningRecorder."""
        return self._subscription.dropped

    async def stop(self, timeout_s: float) -> bool:
        """See RunningRecorder."""
        self._hub.unsubscribe(self._subscription)
        # Not in a worker thread: with a disk that hangs, many cameras would wait for each other's threads.
        ends_at = time.monotonic() + timeout_s
        while not self._recorder.join(0):
            if time.monotonic() > ends_at:
                return False
            await asyncio.sleep(_JOIN_POLL_S)
        return True
