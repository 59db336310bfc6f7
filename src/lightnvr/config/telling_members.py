"""Members of /api/settings about telling others of events."""

from typing import Annotated

from pydantic import Field

from lightnvr.config.member import At, Members, YesNo
from lightnvr.streams.values import Text, Whole


class WebhookMembers(Members):
    """Where webhooks may lead."""

    webhook_allowed_networks: Annotated[str, Text(4096), At("webhooks", "allowed_networks")] = Field(
        "", description="Networks in which receivers may be, separated by commas. Empty: all that are not forbidden."
    )
    webhook_denied_networks: Annotated[str, Text(4096), At("webhooks", "denied_networks")] = Field(
        "", description="Networks in which no receiver may be, separated by commas."
    )


class MqttMembers(Members):
    """Telling a broker of events."""

    mqtt_enabled: Annotated[YesNo, At("mqtt", "enabled")] = Field(
        False, description="Whether the MQTT broker is told of events."
    )
    mqtt_broker_host: Annotated[str, Text(255), At("mqtt", "broker_host")] = Field(
        "", description="Name or address of the broker. Empty: none is told."
    )
    mqtt_broker_port: Annotated[int, Whole(1, 65535), At("mqtt", "broker_port")] = Field(
        1883, description="Its TCP port; with TLS it is mostly 8883."
    )
    mqtt_username: Annotated[str, Text(63), At("mqtt", "username")] = Field(
        "", description="User name. Empty: without one."
    )
    mqtt_password: Annotated[str, Text(127), At("mqtt", "password", secret=True)] = Field(
        "", repr=False, description="Password. Shown as ********, which sent back means unchanged."
    )
    mqtt_client_id: Annotated[str, Text(63), At("mqtt", "client_id")] = Field(
        "lightnvr", description="Name of this client, which no other one of the broker may have."
    )
    mqtt_topic_prefix: Annotated[str, Text(127), At("mqtt", "topic_prefix")] = Field(
        "lightnvr", description="What all topics begin with; neither empty nor with + or #."
    )
    mqtt_tls_enabled: Annotated[YesNo, At("mqtt", "tls_enabled")] = Field(
        False, description="Whether the connection is encrypted. The broker's certificate is checked."
    )
    mqtt_tls_ca_file: Annotated[str, Text(4096), At("mqtt", "tls_ca_file", fixed=True)] = Field(
        "", description="File with the certificates that sign that of the broker. Set in lightnvr.ini."
    )
    mqtt_tls_insecure: Annotated[YesNo, At("mqtt", "tls_insecure")] = Field(
        False, description="Whether any certificate will do."
    )
    mqtt_keepalive: Annotated[int, Whole(5, 3600), At("mqtt", "keepalive")] = Field(
        60, description="Seconds after which a silent connection is tested."
    )
    mqtt_qos: Annotated[int, Whole(0, 2), At("mqtt", "qos")] = Field(
        1, description="How surely messages arrive: 0 is perhaps, 1 at least once, 2 exactly once while connected."
    )
    mqtt_retain: Annotated[YesNo, At("mqtt", "retain")] = Field(
        False, description="Whether the broker keeps the last detection of each stream for those who come later."
    )
    mqtt_snapshots: Annotated[YesNo, At("mqtt", "snapshots")] = Field(
        True, description="Whether a picture goes out before each detection."
    )
    mqtt_ha_discovery: Annotated[YesNo, At("mqtt", "ha_discovery")] = Field(
        False, description="Whether Home Assistant finds the streams by itself, with sensors and camera images."
    )
    mqtt_ha_discovery_prefix: Annotated[str, Text(127), At("mqtt", "ha_discovery_prefix")] = Field(
        "homeassistant",
        description="The discovery prefix that is set in Home Assistant; neither empty nor with + or #.",
    )
    mqtt_ha_snapshot_interval: Annotated[int, Whole(0, 300), At("mqtt", "ha_snapshot_interval")] = Field(
        30, description="Seconds between camera images for Home Assistant; 0: none."
    )
