"""Offers in the shapes that browsers make, shortened to what differs between them."""

_FINGERPRINT = ":".join(f"{byte:02X}" for byte in range(32))
UFRAG, PASSWORD = "4ZcD", "2/1muCWoOi3uLifh0NuRHlMn"
_TRANSPORT = f"""a=ice-ufrag:{UFRAG}
a=ice-pwd:{PASSWORD}
a=ice-options:trickle
a=fingerprint:sha-256 {_FINGERPRINT}
a=setup:actpass"""


def _crlf(*parts: str) -> str:
    return "".join(f"{line}\r\n" for part in parts for line in part.strip().splitlines())


def chromium(*, audio: bool = True) -> str:
    """Chromium: video first, several H.264 profiles in two modes, host candidates behind mDNS names."""
    video = f"""m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 104 108 116 45
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:3057828855 1 udp 2113937151 7cecec08-b510-4fe6-890f-d7a20dcd2b19.local 33594 typ host generation 0
a=candidate:842163049 1 udp 1677729535 203.0.113.7 33594 typ srflx raddr 0.0.0.0 rport 0 generation 0
a=candidate:842163050 1 tcp 1518280447 203.0.113.7 9 typ host tcptype active generation 0
{_TRANSPORT}
a=mid:0
a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay
a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid
a=recvonly
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:102 H264/90000
a=rtcp-fb:102 goog-remb
a=rtcp-fb:102 transport-cc
a=rtcp-fb:102 ccm fir
a=rtcp-fb:102 nack
a=rtcp-fb:102 nack pli
a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
a=rtpmap:104 H264/90000
a=rtcp-fb:104 nack
a=fmtp:104 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f
a=rtpmap:108 H264/90000
a=rtcp-fb:108 nack
a=rtcp-fb:108 nack pli
a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:116 H264/90000
a=rtcp-fb:116 nack
a=rtcp-fb:116 nack pli
a=fmtp:116 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f
a=rtpmap:45 AV1/90000
a=fmtp:45 level-idx=5;profile=0;tier=0"""
    sound = f"""m=audio 9 UDP/TLS/RTP/SAVPF 111 9 0 8
c=IN IP4 0.0.0.0
{_TRANSPORT}
a=mid:1
a=recvonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:9 G722/8000"""
    head = f"""v=0
o=- 4013858201286541699 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE {"0 1" if audio else "0"}
a=extmap-allow-mixed
a=msid-semantic: WMS"""
    return _crlf(head, video, *([sound] if audio else []))


def firefox() -> str:
    """Firefox: audio first, fingerprint for the whole session, feedback for all payload types, a data channel."""
    head = f"""v=0
o=mozilla...THIS_IS_SDPARTA-99.0 6317921894 0 IN IP4 0.0.0.0
s=-
t=0 0
a=fingerprint:sha-256 {_FINGERPRINT}
a=group:BUNDLE 0 1 2
a=ice-options:trickle
a=msid-semantic:WMS *"""
    transport = f"""a=ice-pwd:{PASSWORD}
a=ice-ufrag:{UFRAG}
a=rtcp-mux
a=setup:actpass"""
    return _crlf(
        head,
        f"""m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101
c=IN IP4 0.0.0.0
a=recvonly
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1
a=mid:0
{transport}
a=rtpmap:109 opus/48000/2""",
        f"""m=video 9 UDP/TLS/RTP/SAVPF 120 126 97
c=IN IP4 0.0.0.0
a=recvonly
a=fmtp:126 profile-level-id=42e01f;level-asymmetry-allowed=1;packetization-mode=1
a=fmtp:97 profile-level-id=42e01f;level-asymmetry-allowed=1
a=fmtp:120 max-fs=12288;max-fr=60
a=mid:1
a=rtcp-fb:* nack
a=rtcp-fb:* nack pli
a=rtcp-fb:* ccm fir
{transport}
a=rtpmap:120 VP8/90000
a=rtpmap:126 H264/90000
a=rtpmap:97 H264/90000""",
        f"""m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=sendrecv
a=mid:2
{transport}
a=sctp-port:5000""",
    )


def safari() -> str:
    """Safari: H.265 and High profile of H.264, bundle-only with port 0 for what follows the first section."""
    return _crlf(
        """v=0
o=- 7614219274584779017 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1""",
        f"""m=video 9 UDP/TLS/RTP/SAVPF 96 98 100 99
c=IN IP4 0.0.0.0
{_TRANSPORT}
a=mid:0
a=recvonly
a=rtcp-mux
a=rtpmap:96 H264/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640c1f
a=rtpmap:98 H264/90000
a=rtcp-fb:98 nack
a=fmtp:98 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:100 H265/90000
a=rtcp-fb:100 nack
a=rtcp-fb:100 nack pli
a=fmtp:100 level-id=93;tx-mode=SRST
a=rtpmap:99 rtx/90000
a=fmtp:99 apt=96""",
        """m=audio 0 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=bundle-only
a=mid:1
a=recvonly
a=rtpmap:111 OPUS/48000/2
a=fmtp:111 minptime=10;useinbandfec=1""",
    )
