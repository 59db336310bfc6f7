"""Members of /api/settings about detection and MQTT. Those still to come are checked, kept and given back."""

from typing import Annotated, Literal

from pydantic import Field

from lightnvr.config.member import At, Members, YesNo
from lightnvr.streams.values import Text, Whole

_KEPT = "Not there yet: it is kept."


class DetectionMembers(Members):
    """What is seen in pictures."""

    models_path: Annotated[str, Text(4096), At("models", "path", fixed=True)] = Field(
        "/var/lib/lightnvr/models", description="Folder of models. Set in lightnvr.ini."
    )
    api_detection_url: Annotated[str, Text(511), At("api_detection", "url")] = Field(
        "http://localhost:8000/detect",
        description="Address of the detector of streams whose model is api-detection.",
    )
    api_detection_backend: Annotated[str, Text(63), At("api_detection", "backend")] = Field(
        "onnx", description="What the external detector is asked to use."
    )
    default_detection_threshold: Annotated[int, Whole(0, 100), At("api_detection", "detection_threshold")] = Field(
        50, description=f"Per cent; what forms begin with. {_KEPT}"
    )
    pre_detection_buffer: Annotated[int, Whole(0, 60), At("api_detection", "pre_detection_buffer")] = Field(
        5, description=f"Seconds from before an event; what forms begin with. {_KEPT}"
    )
    post_detection_buffer: Annotated[int, Whole(0, 300), At("api_detection", "post_detection_buffer")] = Field(
        10, description=f"Seconds after an event; what forms begin with. {_KEPT}"
    )
    buffer_strategy: Annotated[
        Literal["auto", "go2rtc", "hls_segment", "memory_packet", "mmap_hybrid"],
        At("api_detection", "buffer_strategy"),
    ] = Field("auto", description=f"How footage from before an event is kept. {_KEPT}")
    detection_grace_period: Annotated[int, Whole(0, 60), At("detection", "grace_period")] = Field(
        2, description="Seconds that an event goes on without a detection, besides the detection_interval."
    )
    detection_engine_enabled: Annotated[YesNo, At("detection_engine", "enabled")] = Field(
        False, description=f"Whether detectors run within the server. {_KEPT}"
    )
    detection_engine_threads: Annotated[int, Whole(1, 16), At("detection_engine", "threads")] = Field(
        1, description="How many threads one model may use."
    )
    detection_engine_delegate: Annotated[Literal["xnnpack", "gpu", "none"], At("detection_engine", "delegate")] = Field(
        "xnnpack", description=f"What they run on. {_KEPT}"
    )


class OnvifMembers(Members):
    """Finding cameras."""

    onvif_discovery_enabled: Annotated[YesNo, At("onvif", "discovery_enabled")] = Field(
        False, description=f"Whether cameras are looked for all the time. {_KEPT}"
    )
    onvif_discovery_interval: Annotated[int, Whole(30, 3600), At("onvif", "discovery_interval")] = Field(
        300, description=f"Seconds between. {_KEPT}"
    )
    onvif_discovery_network: Annotated[str, Text(63), At("onvif", "discovery_network", live_view=True)] = Field(
        "auto", description=f"The network that is looked at. {_KEPT}"
    )
