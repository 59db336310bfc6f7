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


class MqttMembers(Members):
    """Telling a broker of events."""

    mqtt_enabled: Annotated[YesNo, At("mqtt", "enabled")] = Field(
        False, description=f"Whether events go to the broker. {_KEPT}"
    )
    mqtt_broker_host: Annotated[str, Text(255), At("mqtt", "broker_host")] = Field(
        "", description=f"Name or address of the broker. {_KEPT}"
    )
    mqtt_broker_port: Annotated[int, Whole(1, 65535), At("mqtt", "broker_port")] = Field(
        1883, description=f"Its port. {_KEPT}"
    )
    mqtt_username: Annotated[str, Text(63), At("mqtt", "username")] = Field("", description=f"User name. {_KEPT}")
    mqtt_password: Annotated[str, Text(127), At("mqtt", "password", secret=True)] = Field(
        "",
        repr=False,
        description=f"Password. Shown as ********, which sent back means unchanged. {_KEPT}",
    )
    mqtt_client_id: Annotated[str, Text(63), At("mqtt", "client_id")] = Field(
        "lightnvr", description=f"Name of this client. {_KEPT}"
    )
    mqtt_topic_prefix: Annotated[str, Text(127), At("mqtt", "topic_prefix")] = Field(
        "lightnvr", description=f"What topics begin with. {_KEPT}"
    )
    mqtt_tls_enabled: Annotated[YesNo, At("mqtt", "tls_enabled")] = Field(False, description=f"Whether by TLS. {_KEPT}")
    mqtt_keepalive: Annotated[int, Whole(5, 3600), At("mqtt", "keepalive")] = Field(
        60, description=f"Seconds between signs of life. {_KEPT}"
    )
    mqtt_qos: Annotated[int, Whole(0, 2), At("mqtt", "qos")] = Field(
        1, description=f"How surely messages arrive. {_KEPT}"
    )
    mqtt_retain: Annotated[YesNo, At("mqtt", "retain")] = Field(
        False, description=f"Whether the broker keeps the last message. {_KEPT}"
    )
    mqtt_ha_discovery: Annotated[YesNo, At("mqtt", "ha_discovery")] = Field(
        False, description=f"Whether Home Assistant finds the streams by itself. {_KEPT}"
    )
    mqtt_ha_discovery_prefix: Annotated[str, Text(127), At("mqtt", "ha_discovery_prefix")] = Field(
        "homeassistant", description=f"Where it looks. {_KEPT}"
    )
    mqtt_ha_snapshot_interval: Annotated[int, Whole(0, 300), At("mqtt", "ha_snapshot_interval")] = Field(
        30, description=f"Seconds between pictures for it; 0: none. {_KEPT}"
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
