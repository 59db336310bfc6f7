"""Where the rooms meet: stored configuration becomes plans, plans become recorders."""

import asyncio
import math
import time
from collections.abc import Iterable

from lightnvr.accounts.admission import Admission
from lightnvr.accounts.authentication import Authentication, Credentials, basic_password
from lightnvr.accounts.entrance import EntranceRules
from lightnvr.accounts.limiter import LimiterRules
from lightnvr.accounts.model import TooManyAttempts
from lightnvr.accounts.sessions import SessionRules
from lightnvr.config.settings import Go2rtcSettings, Settings, StorageSettings, StreamsSettings, WebSettings
from lightnvr.events.reactions import WatchedStream
from lightnvr.live.ice_servers import IceServer
from lightnvr.live.rtsp.mount import Caller
from lightnvr.live.rtsp.restream import Admit, TooManyTries
from lightnvr.live.webrtc import WebRtcOptions
from lightnvr.media.gop import Since
from lightnvr.media.hub import Hub, Subscription
from lightnvr.media.opening import OpenOptions, Transport
from lightnvr.media.source import SourceOptions
from lightnvr.recording.clock import WallClock
from lightnvr.recording.model import BY_DETECTION, CaptureMethod, Tier
from lightnvr.recording.place import RecorderSettings, RecordingPlace
from lightnvr.recording.recorder import Recorder
from lightnvr.recording.storages import StoragePlan
from lightnvr.storage.keeper import KeeperOptions
from lightnvr.storage.pressure import PressureRules
from lightnvr.storage.retention import Rules, StreamRules
from lightnvr.streams.fleet import Fleet
from lightnvr.streams.model import Stream
from lightnvr.streams.plan import ClipPlan, ConnectedSource, RecordingPlan, StreamPlan
from lightnvr.streams.secrets import SecretBox, SecretUnreadable

_QUEUE_BYTES = 64 * 1024 * 1024
_QUEUE_S = 30.0
"""What a recorder's queue holds: more than twice the 10 s that a disk may stall without a loss."""

_DETECTORS_TAKE_S = {"": 0.0, "onvif": 0.0, "motion": 2.0}
_OTHERS_TAKE_S = 11.0
"""What is seen is told of later, in seconds: a picture may wait for half a second and be looked at for 10."""

_JOIN_POLL_S = 0.02


def plan_for(stream: Stream, patience: StreamsSettings, *, manual: bool = False) -> StreamPlan:
    """Return what should run for a configured stream; `manual` is whether a recording was started by hand."""
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
        recording=RecordingPlan(
            stream.name,
            stream.folder,
            float(settings.segment_duration or 0),
            continuous=settings.record,
            schedule=settings.recording_schedule if settings.record_on_schedule else None,
            manual=manual,
            storage=settings.storage,
            clips=_clip_plan(stream) if settings.detection_based_recording else None,
        ),
        sub_address=stream.sub_address,
    )


def _clip_plan(stream: Stream) -> ClipPlan:
    settings = stream.settings
    late_s = _DETECTORS_TAKE_S.get(settings.detection_model.strip(), _OTHERS_TAKE_S)
    return ClipPlan(
        settings.pre_detection_buffer + late_s,
        settings.detection_recording_schedule if settings.detection_record_on_schedule else None,
    )


def rules_for(streams: Iterable[Stream], storage: StorageSettings) -> Rules:
    """Return how long the recordings of each configured stream are kept, and those of all others."""
    each = {stream.name: _stream_rules(stream, storage) for stream in streams}
    return Rules(each, _general_rules(storage), total_bytes=storage.max_total_size)


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


def storage_plan(storage: StorageSettings) -> StoragePlan:
    """Return where recordings are kept."""
    return StoragePlan(
        storage.roots, storage.default_storage, fallback="fallback" if storage.fallback_path is not None else ""
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


def webrtc_options(settings: Settings) -> WebRtcOptions:
    """Return how WebRTC is served."""
    live, go2rtc = settings.live, settings.go2rtc
    return WebRtcOptions(
        port=live.webrtc_port,
        external=tuple((live.webrtc_external_ip or go2rtc.external_ip).split()),
        stun_server=go2rtc.stun_server if go2rtc.stun_enabled else "",
        max_viewers=live.webrtc_max_viewers,
    )


def ice_servers(go2rtc: Go2rtcSettings) -> tuple[IceServer, ...]:
    """Return the servers that browsers are told of."""
    servers: list[IceServer] = []
    if go2rtc.stun_enabled and go2rtc.stun_server:
        servers.append(IceServer(f"stun:{go2rtc.stun_server.removeprefix('stun:')}"))
    if go2rtc.turn_enabled and go2rtc.turn_server_url:
        servers.append(
            IceServer(go2rtc.turn_server_url, go2rtc.turn_username, go2rtc.turn_password, go2rtc.turn_secret)
        )
    return tuple(servers)


class HubRecorder:
    """A recorder that takes what a hub publishes. Implements `RunningRecorder`."""

    def __init__(
        self,
        place: RecordingPlace,
        plan: RecordingPlan,
        why: CaptureMethod,
        hub: Hub,
        connection: ConnectedSource,
        *,
        since: Since,
    ) -> None:
        self._hub = hub
        # What came before comes at once, and must not fill the queue.
        earlier_s = max(0.0, (time.monotonic_ns() - since.at_ns) / 1e9)
        self._subscription = Subscription(
            _QUEUE_BYTES + hub.kept_bytes, _QUEUE_S + earlier_s, batch_s=2 * place.fragment_duration_us / 1e6
        )
        # What completes a fragment ends a rest, so nothing reaches the disk later than it could.
        hub.attach(
            self._subscription,
            since=since,
            longest_rest_s=place.fragment_duration_us / 1e6,
        )

        def measured_fps() -> float:
            source = connection.source
            return (source.meter.rates.fps or source.nominal_fps) if source else 0.0

        self._recorder = Recorder(place, _recorder_settings(plan, why), self._subscription, measured_fps)
        self._recorder.start()

    @property
    def recording(self) -> bool:
        """See RunningRecorder."""
        return self._recorder.recording

    @property
    def error(self) -> str:
        """See RunningRecorder."""
        return self._recorder.error

    def change(self, plan: RecordingPlan, why: CaptureMethod) -> None:
        """See RunningRecorder."""
        self._recorder.settings = _recorder_settings(plan, why)

    def dropped_packets(self) -> int:
        """See RunningRecorder."""
        return self._subscription.dropped

    def waiting_packets(self) -> int:
        """See RunningRecorder."""
        return self._subscription.waiting

    @property
    def ended_ns(self) -> int | None:
        """See RunningRecorder."""
        return self._subscription.ended_ns

    def end_at_keyframe(self) -> None:
        """See RunningRecorder."""
        self._subscription.end_at_keyframe()

    def go_on(self) -> bool:
        """See RunningRecorder."""
        return self._subscription.go_on()

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


class FleetClips:
    """Records clips of the streams of a fleet. Implements `Clips`."""

    def __init__(self, fleet: Fleet, clock: WallClock) -> None:
        self._fleet = fleet
        self._clock = clock

    def begin_clip(self, stream_id: int, from_us: int) -> None:
        """See Clips."""
        supervisor = self._fleet.find(stream_id)
        if supervisor is not None:
            ago_us = max(0, self._clock.now_us() - from_us)
            supervisor.begin_clip(time.monotonic_ns() - ago_us * 1000)

    def end_clip(self, stream_id: int) -> None:
        """See Clips."""
        supervisor = self._fleet.find(stream_id)
        if supervisor is not None:
            supervisor.end_clip()


def watched(stream: Stream) -> WatchedStream:
    """Return what the events of a configured stream depend on. One that is private or disabled makes no clips."""
    settings = stream.settings
    return WatchedStream(
        stream.id,
        stream.name,
        records=bool(settings.detection_based_recording and settings.enabled) and not stream.privacy_mode,
        pre_us=settings.pre_detection_buffer * 1_000_000,
        post_us=settings.post_detection_buffer * 1_000_000,
        linked_to=settings.motion_trigger_source,
    )


def _recorder_settings(plan: RecordingPlan, why: CaptureMethod) -> RecorderSettings:
    return RecorderSettings(
        plan.stream_name,
        plan.folder,
        # A clip shows one event, however long that is.
        math.inf if why in BY_DETECTION else plan.segment_duration_s,
        capture_method=why,
        schedule_restricted=why is CaptureMethod.SCHEDULED,
        storage=plan.storage,
    )


def entrance_rules(web: WebSettings) -> EntranceRules:
    """Return how strict the login is."""
    return EntranceRules(
        enabled=web.auth_enabled,
        sessions=SessionRules(web.auth_timeout_hours * 3600, web.auth_absolute_timeout_hours * 3600),
        limiter=LimiterRules(
            web.login_rate_limit_enabled, web.login_rate_limit_max_attempts, web.login_rate_limit_window_seconds
        ),
        code_with_password=web.force_mfa_on_login,
        trusted_days=web.trusted_device_days,
    )


class FactorSeal:
    """Keeps the secrets of authenticators as those of cameras are kept. Implements `Seal`."""

    def __init__(self, secrets: SecretBox) -> None:
        self._secrets = secrets

    def seal(self, text: str) -> str:
        """See Seal."""
        return self._secrets.seal(text)

    def reveal(self, sealed: str) -> str:
        """See Seal. With another key file no code is right; an administrator can remove the authenticator."""
        try:
            return self._secrets.reveal(sealed)
        except SecretUnreadable:
            return ""


def admit_by(authentication: Authentication) -> Admit:
    """Return what lets RTSP viewers in: a user's name and password, an API key as the password, or a ticket."""

    async def admit(caller: Caller) -> Admission | None:
        key = basic_password(caller.authorization)
        try:
            # The key first: as a password it would be a wrong one, and be counted as such.
            return (
                await authentication.admission(Credentials(api_key=key, address=caller.address)) if key else None
            ) or await authentication.admission(
                Credentials(authorization=caller.authorization, ticket=caller.ticket, address=caller.address)
            )
        except TooManyAttempts as error:
            raise TooManyTries(error.retry_after_s) from error

    return admit
