"""What went wrong with a camera, in a sentence about this camera."""

import errno

import av
import pytest

from lightnvr.media.address import SourceAddress
from lightnvr.media.errors import CameraError, Fault
from lightnvr.media.opening import OpenOptions, explain, open_camera

_CAMERA = SourceAddress.parse("rtsp://admin:hunter2@127.0.0.1:8554/live")


@pytest.mark.parametrize(
    ("error", "fault", "words"),
    [
        (av.error.HTTPUnauthorizedError(1, "x"), Fault.UNAUTHORIZED, "refused the user name or password"),
        (av.error.HTTPForbiddenError(1, "x"), Fault.UNAUTHORIZED, "refused the user name or password"),
        (av.error.HTTPNotFoundError(1, "x"), Fault.NOT_FOUND, "no stream at /live: check the path"),
        (av.error.ExitError(1, "x"), Fault.TIMEOUT, "did not answer in time"),
        (TimeoutError(errno.ETIMEDOUT, "x"), Fault.TIMEOUT, "did not answer in time"),
        (OSError(errno.EAGAIN, "x"), Fault.TIMEOUT, "did not answer in time"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), Fault.REFUSED, "Nothing listens at 127.0.0.1:8554"),
        (OSError(errno.EHOSTUNREACH, "x"), Fault.UNREACHABLE, "no way to 127.0.0.1:8554"),
        (OSError(errno.ENETUNREACH, "x"), Fault.UNREACHABLE, "no way to 127.0.0.1:8554"),
        (av.error.EOFError(1, "x"), Fault.ENDED, "closed the connection"),
        (ConnectionResetError(errno.ECONNRESET, "x"), Fault.ENDED, "closed the connection"),
        (BrokenPipeError(errno.EPIPE, "x"), Fault.ENDED, "closed the connection"),
        (OSError(errno.EIO, "Input/output error"), Fault.PROTOCOL, "something unusable: Input/output error"),
        (av.error.InvalidDataError(1, "bad hunter2"), Fault.PROTOCOL, "something unusable: bad ****"),
    ],
)
def test_each_failure_has_its_sentence(error: Exception, fault: Fault, words: str) -> None:
    explained = explain(_CAMERA, error)
    assert explained.fault is fault
    assert words in str(explained)
    assert "127.0.0.1:8554" in str(explained)
    assert "hunter2" not in str(explained)
    assert str(explained).endswith(".")


def test_a_name_nobody_knows_is_told_from_a_broken_answer() -> None:
    # RFC 6761 section 6.4: "invalid" is never resolved.
    explained = explain(SourceAddress.parse("rtsp://camera.invalid/"), OSError(errno.EIO, "Input/output error"))
    assert explained.fault is Fault.UNREACHABLE
    assert "camera.invalid is not known" in str(explained)


def test_a_port_where_nothing_listens(closed_port: int) -> None:
    address = SourceAddress.parse(f"rtsp://u:hunter2@127.0.0.1:{closed_port}/")
    with pytest.raises(CameraError) as refused:
        open_camera(address, OpenOptions(connect_timeout_s=10))
    assert refused.value.fault is Fault.REFUSED
    assert "hunter2" not in str(refused.value)
