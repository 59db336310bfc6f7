"""Where the broker is, and what it is told."""

import ssl
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """How to reach the broker and how to speak to it.

    `keepalive_s` and `snapshot_interval_s` are seconds; an interval of 0 is no camera images. `ca_file` holds the
    authorities that certificates are checked with instead of the system's. `retain` is for detections only, and so is
    `snapshots`: whether a picture goes before each.
    """

    enabled: bool = False
    host: str = ""
    port: int = 1883
    username: str = ""
    password: str = ""
    client_id: str = "lightnvr"
    prefix: str = "lightnvr"
    tls: bool = False
    ca_file: Path | None = None
    tls_insecure: bool = False
    keepalive_s: int = 60
    qos: int = 1
    retain: bool = False
    snapshots: bool = True
    discovery: bool = False
    discovery_prefix: str = "homeassistant"
    snapshot_interval_s: int = 30

    def __repr__(self) -> str:
        """Say where it is; the password is nobody's business."""
        return f"BrokerOptions({self.host}:{self.port})"

    @property
    def is_used(self) -> bool:
        """Whether there is a broker to be told."""
        return self.enabled and bool(self.host)

    def tls_context(self) -> ssl.SSLContext | None:
        """Return how certificates are checked, None without TLS. Reads files. Raises OSError (SSLError)."""
        if not self.tls:
            return None
        context = ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))
        if self.tls_insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
