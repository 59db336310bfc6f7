"""Shows addresses without their passwords, and understands a mask that is sent back."""

import re

from lightnvr.media.address import MASK, InvalidSourceAddress, SourceAddress
from lightnvr.streams.model import InvalidStreamSetting

# The user name ends at the first colon, the password at the last @ before the path.
_PASSWORD = re.compile(r"(?P<before>[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#:@]*:)(?P<password>[^\s/?#]+)(?=@)")


def masked(text: str) -> str:
    """Return the text with a mask in place of the password of every address in it."""
    return _PASSWORD.sub(rf"\g<before>{MASK}", text)


def unmasked(member: str, sent: str, stored: str) -> str:
    """Return what is meant by a member that may have been sent back masked.

    Raises InvalidStreamSetting when it holds a mask but is not what was shown.
    """
    if sent == masked(stored):
        return stored
    if any(found["password"] == MASK for found in _PASSWORD.finditer(sent)):
        raise InvalidStreamSetting(member, f"was changed but holds {MASK}: enter the password again")
    return sent


def unmasked_password(member: str, sent: str, stored: str) -> str:
    """The same for a member that is a password."""
    if sent != MASK:
        return sent
    if not stored:
        raise InvalidStreamSetting(member, f"is {MASK}, which stands for a stored password, but none is stored")
    return stored


def source_address(sent: str, stored: SourceAddress | None) -> SourceAddress:
    """Read the address of a camera; a mask in it stands for the password of `stored`.

    Raises InvalidStreamSetting, also when the stored password would be sent elsewhere: who may change a stream may not
    learn its password.
    """
    try:
        address = SourceAddress.parse(sent)
    except InvalidSourceAddress as error:
        raise InvalidStreamSetting("url", f"is not the address of a camera: {error}") from None
    if address.password == MASK:
        password = unmasked_password("url", address.password, stored.password if stored else "")
        if stored is not None and not is_same_place(address, stored):
            raise InvalidStreamSetting("url", "names another host or port: enter the password again")
        return address.with_credentials(address.username, password)
    return address


def is_same_place(one: SourceAddress, other: SourceAddress) -> bool:
    """Return whether a password that was entered for one address may be sent to the other: to who listens there."""
    return (one.host.lower(), one.effective_port) == (other.host.lower(), other.effective_port)
