"""What the API needs from the rest of the product. Made by the composition root."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Protocol

from fastapi import Depends
from starlette.requests import HTTPConnection

from lightnvr.accounts.administration import Administration
from lightnvr.accounts.audit import AuditLog
from lightnvr.accounts.authentication import Authentication
from lightnvr.accounts.first_steps import FirstSteps
from lightnvr.accounts.logins import Logins
from lightnvr.accounts.presence import Presence
from lightnvr.accounts.second_factor import SecondFactor
from lightnvr.accounts.sessions import Sessions
from lightnvr.accounts.sign_in import SignIn
from lightnvr.api.auditing import Auditing
from lightnvr.api.cooldown import REFRESH_COOLDOWN_S, Cooldown
from lightnvr.api.counting import RequestCounts
from lightnvr.backup.restores import Restores
from lightnvr.backup.service import Backups
from lightnvr.config.in_force import SettingsInForce
from lightnvr.detection.model_list import ModelList
from lightnvr.detection.results import DetectionResults
from lightnvr.detection.watch import WatchStatus
from lightnvr.detection.zones import ZoneStore
from lightnvr.events.service import EventServices
from lightnvr.events.telling.service import Telling
from lightnvr.events.telling.webhooks.delivery import WebhookTeller
from lightnvr.events.triggers import Triggers
from lightnvr.live.channels import Channels
from lightnvr.live.connections import ViewerLimits
from lightnvr.live.hls.outputs import HlsOutputs
from lightnvr.live.ice_servers import IceServer
from lightnvr.live.pictures import Pictures
from lightnvr.live.webrtc import WebRtc
from lightnvr.logs import Logs
from lightnvr.media.address import SourceAddress
from lightnvr.media.opening import Transport
from lightnvr.media.probe import ProbeResult
from lightnvr.playback.clips import Clips
from lightnvr.playback.downloads import Downloads
from lightnvr.playback.evidence.making import Evidence
from lightnvr.playback.thumbnails import Thumbnails
from lightnvr.playback.timeline import Timeline
from lightnvr.recording.open_recordings import Written
from lightnvr.recording.service import (
    BatchDeletions,
    RecordingCare,
    RecordingFiles,
    RecordingMarks,
    Recordings,
    RecordingSync,
    StreamTotal,
)
from lightnvr.recording.storage import Storage
from lightnvr.recording.timing import Timing
from lightnvr.storage.daily import DailyUse
from lightnvr.storage.report import StorageKeeper
from lightnvr.streams.catalog import StreamCatalog
from lightnvr.streams.history import Sample
from lightnvr.streams.manual_recording import ManualRecordings
from lightnvr.streams.schedule import Zone
from lightnvr.streams.service import StreamSupervisors
from lightnvr.system.ending import Ending
from lightnvr.system.machine import CpuMeter


class Probe(Protocol):
    """Looks at a camera once."""

    async def __call__(self, address: SourceAddress, transport: Transport) -> ProbeResult:
        """Connect, look, disconnect, within a few seconds. Raises CameraError."""
        ...


@dataclass(frozen=True, slots=True)
class StorageSpace:
    """How full the storage of recordings is, in bytes."""

    used_bytes: int
    available_bytes: int


class StorageRoots(Mapping[int, Path]):
    """The folder of each storage by its id, its name, and whether it is there."""

    def __init__(
        self,
        storages: Iterable[Storage],
        error: Callable[[int], str] = lambda _: "",
        trouble: Callable[[int], str] = lambda _: "",
    ) -> None:
        """`error` says why a storage is not there, `trouble` why it cannot be recorded to; nothing when all is well."""
        self._storages = {storage.id: storage for storage in storages}
        self.error = error
        self.trouble = trouble

    def __getitem__(self, storage_id: int) -> Path:
        """Return the folder of a storage."""
        return self._storages[storage_id].root

    def __iter__(self) -> Iterator[int]:
        """Yield the ids."""
        return iter(self._storages)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._storages)

    def name(self, storage_id: int) -> str:
        """Return the name of a storage, empty when there is no such storage."""
        storage = self._storages.get(storage_id)
        return "" if storage is None else storage.name


@dataclass(slots=True)
class ApiOptions:
    """Settings that the API looks at itself. `trusted_proxies` are networks, separated by commas.

    `proxy_user_header` is the header in which these tell whom they have let in; empty: they do not.

    `cors_origins` are the sites whose pages may play HLS, such as `https://example.org`. All but these, the header
    and `version` may be replaced while the server runs.
    """

    version: str
    dialect: str = "documented"
    trusted_proxies: str = ""
    proxy_user_header: str = ""
    ice_servers: tuple[IceServer, ...] = ()
    cors_origins: tuple[str, ...] = ()


def _no_samples(_stream_id: int) -> Sequence[Sample]:
    return ()


@dataclass(frozen=True, slots=True)
class SystemServices:
    """The server itself.

    `totals` gives what is recorded of each stream, `written` what of it since the start; `timings` how long it takes to
    `sync` a file and to `store` progress; `history` the last five minutes of a stream by its id.
    """

    settings: SettingsInForce
    logs: Logs
    ending: Ending
    totals: Callable[[], Awaitable[Sequence[StreamTotal]]]
    written: Callable[[], Mapping[str, Written]] = dict
    timings: Callable[[], Mapping[str, Timing]] = dict
    history: Callable[[int], Sequence[Sample]] = _no_samples
    requests: RequestCounts = field(default_factory=RequestCounts)
    cpu: CpuMeter = field(default_factory=CpuMeter)


class WatchedDetection(Protocol):
    """How detection does."""

    def status(self, stream_id: int) -> WatchStatus | None:
        """Return how detection of a stream is doing, None when there is to be none."""
        ...

    def statuses(self) -> Mapping[int, WatchStatus]:
        """Return the same of each stream that is to have detection, by its id."""
        ...


@dataclass(frozen=True, slots=True)
class ApiServices:
    """Everything the handlers work with.

    `storage_roots` gives the folder of each storage by its id. `storage_space` raises OSError when the storage is not
    there, `problems` says in sentences what is wrong with the server itself. `uptime` gives seconds since the start,
    `now` seconds since 1970 UTC, `zone` how far local time is ahead of that. `telling` is None when nobody is told.
    """

    authentication: Authentication
    administration: Administration
    sessions: Sessions
    logins: Logins
    sign_in: SignIn
    second_factor: SecondFactor
    presence: Presence
    audit: AuditLog
    auditing: Auditing
    streams: StreamCatalog
    supervisors: StreamSupervisors
    recordings: Recordings
    care: RecordingCare
    marks: RecordingMarks
    deletions: BatchDeletions
    files: RecordingFiles
    downloads: Downloads
    thumbnails: Thumbnails
    manual: ManualRecordings
    triggers: Triggers
    detection: WatchedDetection
    models: ModelList
    daily_use: DailyUse
    sync: RecordingSync
    backups: Backups
    restores: Restores
    first_steps: FirstSteps
    keeper: StorageKeeper
    timeline: Timeline
    clips: Clips
    evidence: Evidence
    zones: ZoneStore
    detected: DetectionResults
    events: EventServices
    live: Channels
    hls: HlsOutputs
    webrtc: WebRtc
    pictures: Pictures
    webhooks: WebhookTeller
    storage_roots: StorageRoots
    storage_space: Callable[[], Awaitable[StorageSpace]]
    probe: Probe
    uptime: Callable[[], float]
    now: Callable[[], float]
    zone: Zone
    system: SystemServices
    options: ApiOptions
    problems: Callable[[], Sequence[str]] = tuple
    viewer_limits: ViewerLimits = field(default_factory=ViewerLimits)
    telling: Telling | None = None
    refreshes: Cooldown = field(default_factory=lambda: Cooldown(REFRESH_COOLDOWN_S))


async def _services(request: HTTPConnection) -> ApiServices:
    services: ApiServices = request.app.state.services
    return services


Services = Annotated[ApiServices, Depends(_services)]
