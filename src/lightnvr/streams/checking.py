"""Checks what a single member of a stream cannot know by itself."""

from lightnvr.media.address import MASK, InvalidSourceAddress, SourceAddress
from lightnvr.streams.masking import unmasked, unmasked_password
from lightnvr.streams.model import InvalidStreamSetting
from lightnvr.streams.settings import SECRET_MEMBERS, StreamSettings

_SCHEMES = {
    "detection_url": ("http", "https", "rtsp", "rtsps"),
    "publish_url": ("rtmp", "rtmps"),
    "admin_url": ("http", "https"),
    "detection_api_url": ("http", "https"),
}


def merged(stored: StreamSettings, given: StreamSettings) -> StreamSettings:
    """Return the stored settings with every member that was given, masks resolved. Raises InvalidStreamSetting."""
    names = given.model_fields_set & StreamSettings.model_fields.keys()
    values = {name: getattr(given, name) for name in names}
    for member in SECRET_MEMBERS:
        if member not in values:
            continue
        resolve = unmasked_password if member == "onvif_password" else unmasked
        values[member] = resolve(member, values[member], getattr(stored, member))
    for member, value in values.items():
        _check(member, value)
    return stored.model_copy(update=values)


def keeps_no_password(stored: StreamSettings, given: StreamSettings) -> None:
    """Raise InvalidStreamSetting when a stored password that was not entered again would go to another address."""
    sent = given.onvif_password if "onvif_password" in given.model_fields_set else MASK
    if stored.onvif_password and sent == MASK:
        raise InvalidStreamSetting("onvif_password", "must be entered again, because url names another host or port")


def _check(member: str, value: object) -> None:
    if not value or not isinstance(value, str):
        return
    schemes = _SCHEMES.get(member)
    if schemes and value.partition("://")[0].lower() not in schemes:
        raise InvalidStreamSetting(member, f"must use {', '.join(schemes[:-1])} or {schemes[-1]}")
    if member == "sub_stream_url":
        try:
            SourceAddress.parse(value)
        except InvalidSourceAddress as error:
            raise InvalidStreamSetting(member, f"is not the address of a camera: {error}") from None
