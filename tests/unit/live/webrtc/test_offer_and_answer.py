"""What LightNVR understands of an offer, and what it answers."""

from collections.abc import Callable

import pytest

from lightnvr.live.errors import MalformedOffer, UnsupportedTracks
from lightnvr.live.rtp.payload import Track
from lightnvr.live.webrtc.answer import Agreement, LocalCandidate, LocalTransport, agree, write_answer
from lightnvr.live.webrtc.offer import MAX_OFFER_CHARACTERS, RemoteCandidate, parse_offer, parse_trickle
from tests.rig import offers

_AAC = Track("aac", 16_000)
_TRANSPORT = LocalTransport(
    "ourufrag", "ourpassword", "sha-256 AB:CD", "passive", [LocalCandidate("192.0.2.1", 8555, 65535)]
)
_BROWSERS = pytest.mark.parametrize("browser", [offers.chromium, offers.firefox, offers.safari])


def _h264(profile: int, constraints: int, level: int = 31) -> Track:
    return Track("h264", 90_000, parameters=b"\0\0\0\1\x67" + bytes((profile, constraints, level)) + b"\xac")


def _agreed(sdp: str, *tracks: Track) -> Agreement:
    return agree(parse_offer(sdp), tracks, (11, 22))


def _answer(sdp: str, *tracks: Track) -> list[str]:
    text = write_answer(parse_offer(sdp), _agreed(sdp, *tracks), _TRANSPORT, 7)
    assert text.endswith("\r\n")
    return text.splitlines()


def _section(answer: list[str], kind: str) -> list[str]:
    begin = next(i for i, line in enumerate(answer) if line.startswith(f"m={kind}"))
    end = next((i for i in range(begin + 1, len(answer)) if answer[i].startswith("m=")), len(answer))
    return answer[begin:end]


@_BROWSERS
def test_every_browser_gets_picture_and_sound_on_one_transport(browser: Callable[[], str]) -> None:
    sdp = browser()
    answer = _answer(sdp, _h264(0x42, 0xC0), _AAC)

    for kind in ("video", "audio"):
        section = _section(answer, kind)
        assert "a=sendonly" in section
        assert "a=ice-ufrag:ourufrag" in section
        assert "a=setup:passive" in section
        assert "a=candidate:65535 1 udp 2130706431 192.0.2.1 8555 typ host" in section
        assert "a=end-of-candidates" in section
    assert len([line for line in answer if line.startswith("m=")]) == sdp.count("\r\nm=")
    bundle = next(line for line in answer if line.startswith("a=group:BUNDLE"))
    assert len(bundle.split()) == 3


@_BROWSERS
def test_the_transport_of_the_browser_is_known(browser: Callable[[], str]) -> None:
    offer = parse_offer(browser())

    assert (offer.ufrag, offer.password, offer.setup) == (offers.UFRAG, offers.PASSWORD, "actpass")
    assert offer.fingerprints == (("sha-256", bytes(range(32)).hex()),)


def test_only_addresses_that_can_be_sent_to_are_candidates() -> None:
    assert parse_offer(offers.chromium()).candidates == (RemoteCandidate("203.0.113.7", 33594),)


@pytest.mark.parametrize(
    ("profile", "constraints", "payload_type"),
    [
        (0x42, 0xC0, 108),  # Constrained Baseline, as 42e01f
        (0x42, 0x00, 102),  # Baseline
        (0x4D, 0x00, 116),  # Main
        (0x64, 0x00, 116),  # High is offered by nobody here: Main is nearest
    ],
)
def test_the_nearest_profile_is_answered_as_it_was_offered(profile: int, constraints: int, payload_type: int) -> None:
    agreed = _agreed(offers.chromium(), _h264(profile, constraints, level=51)).video
    assert agreed is not None
    assert agreed.codec.payload_type == payload_type
    section = _section(_answer(offers.chromium(), _h264(profile, constraints)), "video")
    offered = next(line for line in offers.chromium().splitlines() if line.startswith(f"a=fmtp:{payload_type} "))
    assert section[0] == f"m=video 8555 UDP/TLS/RTP/SAVPF {payload_type}"
    assert offered in section


def test_a_camera_without_known_parameters_is_answered_too() -> None:
    assert _agreed(offers.firefox(), Track("h264", 90_000)).video is not None


def test_loss_and_keyframes_can_be_reported_as_the_browser_offers() -> None:
    assert [line for line in _answer(offers.firefox(), _h264(0x42, 0xE0)) if line.startswith("a=rtcp-fb")] == [
        "a=rtcp-fb:126 nack",
        "a=rtcp-fb:126 nack pli",
        "a=rtcp-fb:126 ccm fir",
    ]


def test_h265_is_passed_through_where_it_is_offered() -> None:
    agreed = _agreed(offers.safari(), Track("hevc", 90_000)).video
    assert agreed is not None
    assert agreed.codec.payload_type == 100


@pytest.mark.parametrize("codec", ["hevc", "mjpeg"])
def test_what_the_browser_cannot_play_is_refused_with_what_to_do(codec: str) -> None:
    with pytest.raises(UnsupportedTracks, match=r"Choose MSE, HLS"):
        _agreed(offers.chromium(), Track(codec, 90_000))  # type: ignore[arg-type]


def test_h264_in_single_packets_only_is_no_match() -> None:
    with pytest.raises(UnsupportedTracks):
        _agreed(offers.chromium().replace("packetization-mode=1", "packetization-mode=0"), _h264(0x42, 0xC0))


def test_a_camera_without_sound_leaves_the_audio_unused() -> None:
    agreement = _agreed(offers.firefox(), _h264(0x42, 0xC0))
    section = _section(_answer(offers.firefox(), _h264(0x42, 0xC0)), "audio")

    assert agreement.audio is None
    assert "a=inactive" in section
    assert not [line for line in section if line.startswith(("a=ssrc", "a=msid"))]


def test_sound_that_the_browser_cannot_play_is_refused_and_the_picture_is_not() -> None:
    answer = _answer(offers.firefox().replace("opus", "ilbc"), _h264(0x42, 0xC0), _AAC)

    assert _section(answer, "audio")[0].startswith("m=audio 0 ")
    assert _section(answer, "video")[0].startswith("m=video 8555")
    assert "a=group:BUNDLE 1" in answer


def test_sections_that_we_do_not_serve_are_refused_in_their_place() -> None:
    answer = _answer(offers.firefox(), _h264(0x42, 0xC0), _AAC)

    assert [line.split()[0] for line in answer if line.startswith("m=")] == ["m=audio", "m=video", "m=application"]
    assert _section(answer, "application")[0] == "m=application 0 UDP/DTLS/SCTP webrtc-datachannel"


def test_an_offer_that_only_sends_is_refused() -> None:
    with pytest.raises(UnsupportedTracks, match="offer to receive video"):
        _agreed(offers.chromium(audio=False).replace("a=recvonly", "a=sendonly"), _h264(0x42, 0xC0))


def test_without_bundle_the_video_is_served() -> None:
    sdp = offers.firefox().replace("a=group:BUNDLE 0 1 2\r\n", "")
    answer = _answer(sdp, _h264(0x42, 0xC0), _AAC)

    assert _section(answer, "video")[0].startswith("m=video 8555")
    assert _section(answer, "audio")[0].startswith("m=audio 0")


@pytest.mark.parametrize(
    "sdp",
    [
        "",
        "hello",
        "v=0\r\n",
        "v=0\r\nm=video\r\n",
        "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF x\r\n",
        offers.chromium().replace("a=ice-pwd", "a=other"),
        offers.chromium().replace("a=fingerprint", "a=other"),
        offers.chromium().replace("a=ice-ufrag:4ZcD", "a=ice-ufrag:a b c d"),
        offers.chromium().replace("a=extmap:5", "a=extmap:five"),
        offers.chromium() + "a=x\r\n" * MAX_OFFER_CHARACTERS,
        "v=0\r\n" + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" * 100,
    ],
)
def test_what_is_no_offer_is_refused_in_a_sentence(sdp: str) -> None:
    with pytest.raises(MalformedOffer, match=r"[A-Z].*\.$"):
        parse_offer(sdp)


def test_candidates_that_come_later() -> None:
    trickle = parse_trickle(
        "a=ice-ufrag:4ZcD\r\na=ice-pwd:x\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
        "a=candidate:1 1 UDP 2130706431 192.0.2.7 50001 typ host\r\n"
        "a=candidate:2 1 udp 2130706431 2001:db8::7 50002 typ host\r\n"
        "a=candidate:3 2 udp 2130706431 192.0.2.7 50003 typ host\r\n"
        "a=candidate:4 1 udp 1 192.0.2.7 99999 typ host\r\na=candidate:5 1 udp\r\na=end-of-candidates\r\n"
    )

    assert trickle.ufrag == "4ZcD"
    assert trickle.candidates == (RemoteCandidate("192.0.2.7", 50001), RemoteCandidate("2001:db8::7", 50002))
    with pytest.raises(MalformedOffer):
        parse_trickle("nothing")
