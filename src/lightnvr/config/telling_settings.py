"""Settings of telling others of events."""

from pydantic import Field

from lightnvr.config.kinds import Networks, OptionalPath, Section


class MqttSettings(Section):
    """Telling an MQTT broker of events, and through it Home Assistant."""

    enabled: bool = Field(False, description="Whether the broker is told of events.")
    broker_host: str = Field("", max_length=255, description="Name or address of the broker. Empty: none is told.")
    broker_port: int = Field(1883, ge=1, le=65535, description="TCP port of the broker; with TLS it is mostly 8883.")
    username: str = Field("", max_length=63, description="User name for the broker. Empty: without one.")
    password: str = Field("", max_length=127, repr=False, description="Password for the broker.")
    client_id: str = Field(
        "lightnvr",
        max_length=63,
        description="Name of this client, which no other one of the broker may have: they would cut each other off.",
    )
    topic_prefix: str = Field(
        "lightnvr", min_length=1, max_length=127, pattern=r"^[^+#\x00]+$", description="What all topics begin with."
    )
    tls_enabled: bool = Field(
        False, description="Whether the connection is encrypted. The broker's certificate is checked."
    )
    tls_ca_file: OptionalPath = Field(
        None, description="File with the certificates that sign that of the broker. Empty: those of the system."
    )
    tls_insecure: bool = Field(
        False, description="Whether any certificate will do. Then whoever is between can read and change everything."
    )
    keepalive: int = Field(60, ge=5, le=3600, description="Seconds after which a silent connection is tested.")
    qos: int = Field(
        1,
        ge=0,
        le=2,
        description="How surely messages arrive: 0 is perhaps, 1 at least once, 2 exactly once while connected.",
    )
    retain: bool = Field(
        False, description="Whether the broker keeps the last detection of each stream for those who come later."
    )
    snapshots: bool = Field(True, description="Whether a picture goes out before each detection.")
    ha_discovery: bool = Field(
        False, description="Whether Home Assistant finds the streams by itself, with sensors and camera images."
    )
    ha_discovery_prefix: str = Field(
        "homeassistant",
        min_length=1,
        max_length=127,
        pattern=r"^[^+#\x00]+$",
        description="The discovery prefix that is set in Home Assistant.",
    )
    ha_snapshot_interval: int = Field(
        30, ge=0, le=300, description="Seconds between camera images for Home Assistant. 0: none."
    )


class WebhookSettings(Section):
    """Where webhooks may lead. Link-local, multicast and metadata addresses never may."""

    allowed_networks: Networks = Field(
        "", description="Networks in which receivers may be, separated by commas. Empty: all that are not forbidden."
    )
    denied_networks: Networks = Field("", description="Networks in which no receiver may be, separated by commas.")
