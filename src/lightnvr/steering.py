"""What takes other settings while the server runs, and how."""

import socket
from dataclasses import dataclass

from lightnvr import __version__
from lightnvr.accounts.entrance import Entrance
from lightnvr.api.services import ApiOptions
from lightnvr.caring import thumbnails_each
from lightnvr.config import Settings
from lightnvr.config.in_force import SettingsInForce
from lightnvr.config.settings import GeneralSettings
from lightnvr.events.telling.mqtt import MqttTeller
from lightnvr.events.telling.webhooks.delivery import WebhookTeller
from lightnvr.live.webrtc import WebRtc
from lightnvr.logs import LogOptions, Logs
from lightnvr.notifying import broker_options, posting_rules
from lightnvr.playback.thumbnails import Thumbnails
from lightnvr.recording.layout import DirectoryFormat
from lightnvr.recording.place import RecordingPlace
from lightnvr.storage.keeper import Keeper
from lightnvr.streams.catalog import StreamCatalog
from lightnvr.wiring import entrance_rules, ice_servers, keeping, webrtc_options


@dataclass(frozen=True, slots=True)
class Steered:
    """The parts that hold settings of their own. Retention days are asked for anew at each sweep."""

    logs: Logs
    catalog: StreamCatalog
    entrance: Entrance
    keeper: Keeper
    place: RecordingPlace
    thumbnails: Thumbnails
    webrtc: WebRtc
    options: ApiOptions
    mqtt: MqttTeller
    webhooks: WebhookTeller

    def follow(self, in_force: SettingsInForce) -> None:
        """Take every change of the settings from now on."""
        in_force.on_change(self._take)

    def _take(self, settings: Settings) -> None:
        storage = settings.storage
        self.logs.take(log_options(settings.general))
        self.catalog.max_streams = settings.streams.max_streams
        self.catalog.segment_duration = storage.mp4_segment_duration
        self.entrance.take(entrance_rules(settings.web))
        self.keeper.take(keeping(storage))
        self.place.directory_format = DirectoryFormat(storage.mp4_directory_format)
        self.thumbnails.each = thumbnails_each(storage)
        self.webrtc.take_stun_server(webrtc_options(settings).stun_server)
        options = api_options(settings)
        self.options.dialect = options.dialect
        self.options.trusted_proxies = options.trusted_proxies
        self.options.ice_servers = options.ice_servers
        self.mqtt.take(broker_options(settings.mqtt))
        self.webhooks.rules = posting_rules(settings.webhooks)


def unable_to_listen(before: Settings, after: Settings) -> str:
    """Say why the server could not listen where it would after the next start: then nobody could set it right."""
    host, now, wanted = after.web.bind_ip, _ports(before), _ports(after)
    if (host, wanted) == (before.web.bind_ip, now):
        return ""
    for number, (name, port) in enumerate(wanted.items()):
        twin = next((other for other in list(wanted)[:number] if wanted[other] == port), "")
        if twin:
            return f"{twin} and {name} must not both be {port}"
        if (host, port) == (before.web.bind_ip, now.get(name)):
            continue
        # A port that it listens on now is taken, by itself.
        tried = 0 if port in now.values() else port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            socket.create_server((host, tried), family=family).close()
        except OSError as error:
            return f"web_bind_ip {host} and {name} {port} cannot be listened on: {error.strerror}"
    return ""


def _ports(settings: Settings) -> dict[str, int]:
    """Return the TCP ports that are listened on, by the member of /api/settings that says which."""
    rtsp_port = settings.live.rtsp_port if settings.live.rtsp_enabled else 0
    ports = {
        "web_port": settings.web.port,
        "go2rtc_rtsp_port": rtsp_port,
        "go2rtc_api_port": settings.go2rtc.api_port,
    }
    return {name: port for name, port in ports.items() if port}


def api_options(settings: Settings) -> ApiOptions:
    """Return what the API looks at itself."""
    return ApiOptions(
        version=__version__,
        dialect=settings.api.dialect,
        trusted_proxies=settings.web.trusted_proxy_cidrs,
        proxy_user_header=settings.web.proxy_user_header,
        ice_servers=ice_servers(settings.go2rtc),
        cors_origins=tuple(settings.live.cors_origins.replace(",", " ").split()),
    )


def log_options(general: GeneralSettings) -> LogOptions:
    """Return what is logged, and whether to the log of the system."""
    system_log = (general.syslog_ident, general.syslog_facility) if general.syslog_enabled else None
    return LogOptions(general.log_level, system_log)
