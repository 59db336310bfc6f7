"""What can be configured about a stream: every member, its type, its default, its range and its meaning."""

from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from lightnvr.streams.values import ALWAYS, Flag, Number, Text, Threshold, WeekSchedule, Whole

_ADDRESS = 511
_INT32 = 2**31 - 1

YesNo = Annotated[bool, Flag()]
Address = Annotated[str, Text(_ADDRESS, clearable=True)]
Schedule = Annotated[tuple[bool, ...], WeekSchedule()]


class StreamSettings(BaseModel):
    """Everything about a stream but its name and its address.

    Members of features that are still to come are checked, kept and given back. The members that were given can be told
    from defaults by `model_fields_set`, so the same model describes a whole stream and a change of one.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True)

    enabled: YesNo = Field(True, description="Whether LightNVR connects to the camera at all.")
    streaming_enabled: YesNo = Field(True, description="Whether the live view is wanted.")
    width: Annotated[int, Whole(0, 16384)] = Field(0, description="Expected width in pixels; 0 is unknown.")
    height: Annotated[int, Whole(0, 16384)] = Field(0, description="Expected height in pixels; 0 is unknown.")
    fps: Annotated[int, Whole(0, 240)] = Field(0, description="Expected pictures a second; 0 is unknown.")
    codec: Annotated[str, Text(15)] = Field("", description="Expected video codec, such as h264; empty is unknown.")
    priority: Annotated[int, Whole(1, 10)] = Field(5, description="Importance, 10 is highest.")
    protocol: Annotated[int, Whole(0, 1)] = Field(0, description="How RTSP carries the media: 0 is TCP, 1 is UDP.")

    record: YesNo = Field(True, description="Whether the stream is recorded all the time.")
    segment_duration: Annotated[int, Whole(10, 3600)] = Field(900, description="Seconds of a recording.")
    record_audio: YesNo = Field(True, description="Whether sound is recorded.")
    audio_voice_enhancement: YesNo = Field(False, description="Whether a filter for voices is wanted on recordings.")
    record_on_schedule: YesNo = Field(False, description="Whether recording follows recording_schedule.")
    recording_schedule: Schedule = Field(ALWAYS, description="Hours of recording, from Sunday 0:00, local time.")

    detection_based_recording: YesNo = Field(False, description="Whether detections start recordings.")
    detection_model: Annotated[str, Text(511)] = Field(
        "", description="What detects: empty, motion, onvif, api-detection, the address of a detector, or a model file."
    )
    detection_threshold: Annotated[float, Threshold()] = Field(
        0.5, description="Least confidence: a fraction from 0 to 1, or a percentage above 1."
    )
    detection_interval: Annotated[int, Whole(1, 100)] = Field(10, description="Seconds between checks.")
    pre_detection_buffer: Annotated[int, Whole(0, 60)] = Field(5, description="Seconds kept from before an event.")
    post_detection_buffer: Annotated[int, Whole(0, 300)] = Field(5, description="Seconds recorded after an event.")
    detection_api_url: Annotated[str, Text(_ADDRESS)] = Field("", description="Address of an external detector.")
    detection_object_filter: Literal["", "none", "include", "exclude"] = Field(
        "", description="How detection_object_filter_list is used."
    )
    detection_object_filter_list: Annotated[str, Text(255)] = Field("", description="Labels, separated by commas.")
    detection_url: Address = Field(
        "", repr=False, description="Separate source for detection: http, https, rtsp, rtsps."
    )
    detection_record_on_schedule: YesNo = Field(False, description="Whether detection follows its schedule.")
    detection_recording_schedule: Schedule = Field(ALWAYS, description="Hours of detection, as recording_schedule.")
    motion_trigger_source: Annotated[str, Text(64, clearable=True)] = Field(
        "", description="Name of another stream whose motion also triggers this one."
    )
    buffer_strategy: Literal["auto", "go2rtc", "hls_segment", "memory_packet", "mmap_hybrid"] = Field(
        "auto", description="How footage from before an event is kept."
    )

    is_onvif: YesNo = Field(
        False,
        validation_alias=AliasChoices("is_onvif", "isOnvif"),
        description="Whether the camera speaks ONVIF. Not given on creation: whether the address holds the word onvif.",
    )
    onvif_username: Annotated[str, Text(63)] = Field("", description="User name at the camera, when url has none.")
    onvif_password: Annotated[str, Text(63)] = Field(
        "", repr=False, description="Password at the camera. Shown as ********, which sent back means unchanged."
    )
    onvif_profile: Annotated[str, Text(63)] = Field("", description="Token of the media profile.")
    onvif_port: Annotated[int, Whole(0, 65535)] = Field(
        0, description="Port of the ONVIF service; 0: from the address."
    )
    ptz_enabled: YesNo = Field(False, description="Whether the camera can be moved.")
    ptz_max_x: Annotated[int, Whole(0, _INT32)] = Field(0, description="Limit of panning; 0 is none.")
    ptz_max_y: Annotated[int, Whole(0, _INT32)] = Field(0, description="Limit of tilting; 0 is none.")
    ptz_max_z: Annotated[int, Whole(0, _INT32)] = Field(0, description="Limit of zooming; 0 is none.")
    ptz_has_home: YesNo = Field(False, description="Whether the camera has a home position.")
    backchannel_enabled: YesNo = Field(False, description="Whether sound can be sent to the camera.")

    retention_days: Annotated[int, Whole(-1, 365)] = Field(
        -1, description="Days that recordings are kept; -1: the general setting, 0: without limit."
    )
    detection_retention_days: Annotated[int, Whole(-1, 365)] = Field(-1, description="The same for detection clips.")
    max_storage_mb: Annotated[int, Whole(0, _INT32)] = Field(0, description="Quota in MiB; 0 is none.")
    tier_critical_multiplier: Annotated[float, Number(0, 1000)] = Field(3.0, description="Retention factor, critical.")
    tier_important_multiplier: Annotated[float, Number(0, 1000)] = Field(
        2.0, description="Retention factor, important."
    )
    tier_ephemeral_multiplier: Annotated[float, Number(0, 1000)] = Field(
        0.25, description="Retention factor, ephemeral."
    )
    storage: Annotated[str, Text(32, clearable=True)] = Field(
        "", description="Name of the storage that it is recorded to; empty: the usual one."
    )
    storage_priority: Annotated[int, Whole(1, 10)] = Field(5, description="What is kept longest when the disk is full.")
    tags: Annotated[str, Text(255, clearable=True)] = Field("", description="Tags, separated by commas.")
    admin_url: Address = Field("", repr=False, description="Address of the camera's own web page.")
    sub_stream_url: Address = Field("", repr=False, description="Address of the camera's stream of low resolution.")
    publish_url: Address = Field("", repr=False, description="Where the stream is sent on to: rtmp or rtmps.")
    go2rtc_source_override: Annotated[str, Text(8191, clearable=True, lines=True)] = Field(
        "", repr=False, description="Source of the live view, instead of the one made from url."
    )


SECRET_MEMBERS = (
    "onvif_password",
    "detection_url",
    "admin_url",
    "sub_stream_url",
    "publish_url",
    "go2rtc_source_override",
)
"""Members that can hold a password. They are encrypted in the database and shown to nobody who only watches."""
