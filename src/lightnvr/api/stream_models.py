"""Streams as they are on the wire."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, field_serializer
from pydantic.config import JsonDict

from lightnvr.api.times import iso_or_none
from lightnvr.detection.watch import WatchStatus
from lightnvr.media.address import MASK
from lightnvr.streams.masking import masked
from lightnvr.streams.model import NewStream, Stream, StreamChange
from lightnvr.streams.settings import SECRET_MEMBERS, StreamSettings, YesNo
from lightnvr.streams.status import RecordingState, StreamState, StreamStatus
from lightnvr.streams.values import Text

_EXAMPLE_URL = "rtsp://192.168.1.100:554/stream1"
_NEW_EXAMPLE: JsonDict = {
    "name": "New Camera",
    "url": "rtsp://192.168.1.103:554/stream1",
    "enabled": True,
    "width": 1280,
    "height": 720,
    "fps": 10,
    "codec": "h264",
    "priority": 5,
    "record": True,
}

Url = Annotated[str, Text(2048)]
_URL = (
    "Address of the camera: rtsp, rtsps, rtmp, http or https. The password may be written as it is; it is stored apart "
    f"and encrypted, and shown as {MASK}, which sent back means unchanged."
)


class NewStreamBody(StreamSettings):
    """A stream to be made: every member but name and url has a default."""

    model_config = ConfigDict(title="NewStream", json_schema_extra={"example": _NEW_EXAMPLE})

    name: Annotated[str, Text(255)] = Field(description="Name, unlike that of any other stream, 1 to 64 characters.")
    url: Url = Field(description=_URL)

    def new_stream(self) -> NewStream:
        """What the catalog is asked to store."""
        return NewStream(self.name, self.url, self)


class StreamChangeBody(StreamSettings):
    """A change of a stream: members that are not sent stay as they are. A name that is sent is ignored."""

    model_config = ConfigDict(
        title="StreamChange", json_schema_extra={"example": {"segment_duration": 600, "retention_days": 30}}
    )

    url: Url = Field("", description=_URL)
    set_privacy_mode: YesNo = Field(False, description="Switches privacy mode; other members are then ignored.")
    enable_disabled: YesNo = Field(False, description="True switches the stream on, as enabled does.")

    @property
    def is_privacy_switch(self) -> bool:
        """Whether only privacy mode is to be switched."""
        return "set_privacy_mode" in self.model_fields_set

    def change(self) -> StreamChange:
        """What the catalog is asked to store."""
        if self.is_privacy_switch:
            return StreamChange(privacy_mode=self.set_privacy_mode)
        settings: StreamSettings = self
        if self.enable_disabled:
            settings = self.model_copy(update={"enabled": True})
        return StreamChange(url=self.url if "url" in self.model_fields_set else None, settings=settings)


@dataclass(frozen=True, slots=True)
class StreamView:
    """A stream, what it is doing, and whether the caller may edit it: all that an answer is made of."""

    stream: Stream
    status: StreamStatus
    may_edit: bool
    watch: WatchStatus | None = None


class StreamIdentity(BaseModel):
    """What a stream is called and where it comes from."""

    id: int = Field(examples=[1])
    name: str = Field(examples=["Front Door"])
    url: str = Field(examples=[_EXAMPLE_URL], description="Address; the password is masked, viewers see no user name.")


def _show_measured(schema: JsonDict) -> None:
    """Examples of what the settings leave to be measured."""
    properties = schema["properties"]
    if isinstance(properties, dict):
        for name, example in (("width", 1280), ("height", 720), ("fps", 15), ("codec", "h264")):
            properties[name] = {**cast("JsonDict", properties[name]), "examples": [example]}
        empty = (("last_error", ""), ("recording_error", ""), ("detection_error", ""))
        for name, value in (*empty, ("reconnects", 0), ("dropped_packets", 0)):
            properties[name] = {**cast("JsonDict", properties[name]), "examples": [value]}


class StreamAnswer(StreamSettings, StreamIdentity):
    """A stream: what is configured, and what is measured at this moment."""

    model_config = ConfigDict(title="Stream", json_schema_extra=_show_measured)

    status: StreamState = Field(examples=["connected"])
    is_onvif_too: bool = Field(serialization_alias="isOnvif", description="The same as is_onvif.")
    has_sub_stream: bool
    privacy_mode: bool
    can_control_privacy: bool
    last_error: str = Field(description="Why the camera is not connected, or empty.")
    connected_since: str | None = Field(examples=["2026-08-01T12:00:00Z"])
    last_packet_at: str | None = Field(examples=["2026-08-01T12:00:00Z"])
    reconnects: int
    bitrate_bps: int = Field(examples=[2_000_000])
    measured_fps: float = Field(examples=[14.98])
    audio_codec: str = Field(examples=["aac"])
    keyframe_interval_s: float
    dropped_packets: int
    recording: RecordingState = Field(description="Whether what arrives reaches the disk.")
    recording_error: str = Field(description="Why it does not, or empty.")
    detection_active: bool = Field(description="Whether pictures are looked at.")
    detection_error: str = Field(description="Why not, or why looking fails, or empty.")

    @field_serializer("detection_based_recording")
    def _detection_as_number(self, value: bool) -> Literal[0, 1]:
        return 1 if value else 0


class StreamList(BaseModel):
    """All streams, by name."""

    streams: list[StreamAnswer]


class StreamChanged(BaseModel):
    """A stream that was made or changed, as it is now."""

    success: Literal[True]
    stream: StreamAnswer


class Done(BaseModel):
    """It is done."""

    success: bool = True


class Refreshed(Done):
    """The connection to the camera is being made again."""

    message: str = "The connection to the camera is being made again."
    stream: str = Field(examples=["Front Door"])


class RefreshCoalesced(Refreshed):
    """Nothing was done: it was lately, or there is no need."""

    message: str = Field(examples=["The connection to the camera was made again a moment ago."])
    coalesced: Literal[True] = True
    retry_after_seconds: int = Field(examples=[12], description="When asking again may do something.")


def stream_answer(view: StreamView) -> StreamAnswer:
    """Return the wire form of a stream."""
    stream, status = view.stream, view.status
    settings = stream.settings
    return StreamAnswer.model_construct(
        **(_configured(view) | _measured(view)),
        id=stream.id,
        name=stream.name,
        url=stream.source.masked() if view.may_edit else stream.source.redacted(),
        status=status.state,
        is_onvif_too=settings.is_onvif,
        has_sub_stream=bool(settings.sub_stream_url),
        privacy_mode=stream.privacy_mode,
        can_control_privacy=view.may_edit,
        last_error=status.last_error or stream.problem,
        connected_since=iso_or_none(status.connected_since),
        last_packet_at=iso_or_none(status.last_packet_at),
        reconnects=status.reconnects,
        bitrate_bps=status.bitrate_bps,
        measured_fps=round(status.fps, 2),
        audio_codec=status.audio_codec,
        keyframe_interval_s=round(status.keyframe_interval_s, 3),
        dropped_packets=status.dropped_packets,
        recording=status.recording,
        recording_error=status.recording_error,
        detection_active=view.watch is not None and view.watch.active,
        detection_error="" if view.watch is None else view.watch.error,
    )


def _configured(view: StreamView) -> dict[str, Any]:
    settings = view.stream.settings
    values = {member: getattr(settings, member) for member in StreamSettings.model_fields}
    for member in SECRET_MEMBERS:
        values[member] = masked(values[member]) if view.may_edit else ""
    if view.may_edit:
        values["onvif_password"] = MASK if settings.onvif_password else ""
    else:
        # Addresses of detectors hold keys as often as those of cameras do.
        values["onvif_username"] = values["detection_api_url"] = ""
        if "://" in settings.detection_model:
            values["detection_model"] = "api-detection"
    return values


def _measured(view: StreamView) -> dict[str, Any]:
    settings, status = view.stream.settings, view.status
    return {
        "width": status.width or settings.width,
        "height": status.height or settings.height,
        "fps": round(status.fps) or settings.fps,
        "codec": status.codec or settings.codec,
    }
