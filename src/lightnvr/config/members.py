"""All members of /api/settings: names and units of the original's, each with its type, range and meaning."""

from collections.abc import Mapping

from pydantic import ConfigDict
from pydantic.fields import FieldInfo

from lightnvr.config.later_members import DetectionMembers, OnvifMembers
from lightnvr.config.media_members import LiveMembers, StorageMembers
from lightnvr.config.member import at
from lightnvr.config.server_members import SystemMembers, WebMembers
from lightnvr.config.telling_members import MqttMembers, WebhookMembers


class ServerSettings(
    OnvifMembers, WebhookMembers, MqttMembers, LiveMembers, DetectionMembers, SystemMembers, StorageMembers, WebMembers
):
    """Settings of the server. In a change, members that are not sent stay as they are.

    Passwords are masked in answers; folders, files and programs can be changed in lightnvr.ini only.
    """

    model_config = ConfigDict(title="Settings", defer_build=False)


MEMBERS: Mapping[str, FieldInfo] = ServerSettings.model_fields
"""By name."""

SECRETS = frozenset(name for name, field in MEMBERS.items() if at(field).secret)
"""Masked in answers, encrypted in the database."""

FOR_EVERYBODY = tuple(name for name, field in MEMBERS.items() if at(field).live_view)
"""What live view needs, which every user may read."""
