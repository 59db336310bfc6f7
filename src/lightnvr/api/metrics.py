"""/api/metrics: numbers about streams and live view, for Prometheus. docs/operations.md explains them."""

from collections.abc import Iterator, Sequence

from fastapi import APIRouter, Response

from lightnvr.api.access import VIEWER, GuardedRoute
from lightnvr.api.detection_metrics import of_detection
from lightnvr.api.errors import Responses, declared
from lightnvr.api.event_metrics import of_events
from lightnvr.api.exposition import MEDIA_TYPE, Family, exposition
from lightnvr.api.process_metrics import of_process, of_requests
from lightnvr.api.recording_metrics import of_cameras, of_recordings, of_storages
from lightnvr.api.seen import Sight
from lightnvr.api.services import ApiServices, Services
from lightnvr.api.telling_metrics import of_telling
from lightnvr.live.audience import Way
from lightnvr.streams.model import Stream
from lightnvr.streams.status import RecordingState, StreamState

router = APIRouter(tags=["Health"], route_class=GuardedRoute)

_ANSWER: Responses = {
    200: {
        "description": "The text format of Prometheus.",
        "content": {
            "text/plain": {"schema": {"type": "string"}, "example": 'lightnvr_stream_up{stream="Front Door"} 1\n'}
        },
    },
    **declared(401, 429),
}


@router.get(
    "/api/metrics", response_class=Response, responses=_ANSWER, dependencies=[VIEWER], summary="Metrics for Prometheus"
)
async def metrics(services: Services, seen: Sight) -> Response:
    """Every stream that is switched on, the storages, the live view by way of watching, and the server itself."""
    streams = await seen.streams.every()
    enabled = [stream for stream in streams if stream.settings.enabled]
    families = [
        *_of_streams(services, enabled),
        *of_cameras(services, enabled),
        *of_recordings(services, enabled),
        *await of_storages(services),
        *await of_process(services),
        *of_requests(services),
        *of_telling(services),
        *of_events(services.events),
        *of_detection(services.detection.statuses(), enabled),
        *_of_live(services, {stream.id: stream.name for stream in streams}),
        *await _of_the_server(services, streams),
    ]
    return Response(exposition(families), media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})


def _of_streams(services: ApiServices, streams: list[Stream]) -> Iterator[Family]:
    up = Family("lightnvr_stream_up", "gauge", "1 when the camera is connected.")
    fps = Family("lightnvr_stream_fps", "gauge", "Pictures a second, measured.")
    bitrate = Family("lightnvr_stream_bitrate_bps", "gauge", "Bits a second, measured.")
    reconnects = Family("lightnvr_stream_reconnects_total", "counter", "How often the camera was connected to again.")
    dropped = Family("lightnvr_stream_frames_dropped", "counter", "Packets that the recorder was too slow for.")
    uptime = Family("lightnvr_stream_uptime_seconds", "gauge", "Seconds since the camera was connected to; 0 when not.")
    last = Family("lightnvr_stream_last_frame_ts", "gauge", "When the last packet came, in Unix seconds; 0 is never.")
    recording = Family("lightnvr_recording_active", "gauge", "1 while the stream is being recorded.")
    for stream in streams:
        status, label = services.supervisors.status(stream.id), stream.name
        is_up = status.state is StreamState.CONNECTED
        up.add(is_up, stream=label)
        fps.add(round(status.fps, 2), stream=label)
        bitrate.add(status.bitrate_bps, stream=label)
        reconnects.add(status.reconnects, stream=label)
        dropped.add(status.dropped_packets, stream=label)
        since = status.connected_since
        uptime.add(max(0, int(services.now() - since)) if is_up and since is not None else 0, stream=label)
        last.add(int(status.last_packet_at or 0), stream=label)
        recording.add(status.recording is RecordingState.RECORDING, stream=label)
    yield from (up, fps, bitrate, reconnects, dropped, uptime, last, recording)


def _of_live(services: ApiServices, names: dict[int, str]) -> Iterator[Family]:
    audience = services.live.audience
    viewers = Family("lightnvr_live_viewers", "gauge", "Who watches now.")
    for (way, stream_id), count in sorted(audience.watchers().items()):
        if stream_id in names:
            viewers.add(count, stream=names[stream_id], way=way)
    came = Family("lightnvr_live_viewers_total", "counter", "Viewers that came.")
    sent = Family("lightnvr_live_sent_bytes_total", "counter", "Bytes of media handed to viewers.")
    lost = Family("lightnvr_live_dropped_packets_total", "counter", "Packets that viewers were too slow for.")
    start = Family("lightnvr_live_start_seconds", "summary", "Seconds from a viewer's request to the first media.")
    for way in Way:
        counts = audience.counts[way]
        came.add(counts.viewers, way=way)
        sent.add(counts.bytes_sent, way=way)
        lost.add(counts.dropped_packets, way=way)
        start.add(counts.start_s, "_sum", way=way)
        start.add(counts.started, "_count", way=way)
    outputs = Family("lightnvr_live_outputs", "gauge", "Live outputs that run, each for all viewers of its stream.")
    for kind, count in sorted(services.live.at_work().items()):
        outputs.add(count, kind=kind)
    failures = Family("lightnvr_live_output_failures_total", "counter", "Live outputs that ended with an error.")
    failures.add(services.live.failures)
    decoded = Family("lightnvr_snapshot_decodes_total", "counter", "Keyframes that were decoded for pictures.")
    decoded.add(services.pictures.darkroom.decoded)
    encoded = Family("lightnvr_snapshot_encodes_total", "counter", "JPEGs that were made of them.")
    encoded.add(services.pictures.darkroom.encoded)
    yield from (viewers, came, sent, lost, start, outputs, failures, decoded, encoded)


async def _of_the_server(services: ApiServices, streams: Sequence[Stream]) -> list[Family]:
    configured = Family("lightnvr_instance_streams_configured", "gauge", "Streams that are set up.")
    configured.add(len(streams))
    up = Family("lightnvr_instance_streams_up", "gauge", "Streams whose camera is connected.")
    up.add(sum(services.supervisors.status(stream.id).state is StreamState.CONNECTED for stream in streams))
    uptime = Family("lightnvr_instance_uptime_seconds", "gauge", "Seconds since the start.")
    uptime.add(int(services.uptime()))
    used = Family("lightnvr_storage_used_bytes", "gauge", "Used space of the storage; absent when it is not there.")
    free = Family("lightnvr_storage_available_bytes", "gauge", "Free space of the storage; absent like used space.")
    try:
        space = await services.storage_space()
    except OSError:
        # A gap in the graph is the truth; /api/health says what is wrong.
        return [configured, up, uptime, used, free]
    used.add(space.used_bytes)
    free.add(space.available_bytes)
    return [configured, up, uptime, used, free]
