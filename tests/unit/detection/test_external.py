"""The external detector, with a real server that answers, lies, stalls and floods."""

import json
import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.detection.detector import DetectionFailed, Found, Picture
from lightnvr.detection.detector_address import DetectorAddress, InvalidAddress, Reach
from lightnvr.detection.detector_answer import UnreadableAnswer, read_answer
from lightnvr.detection.detector_request import DetectorRequests
from lightnvr.detection.external_detector import ExternalDetector
from lightnvr.recording.detection import Box
from tests.rig.certificates import certificates
from tests.rig.detector_server import DetectorServer, answer, detector_server


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Iterator[DetectorServer]:
    with detector_server() as running:
        yield running


def _detector(url: str, clock: _Clock, *, timeout_s: float = 10.0, threshold: float = 0.4) -> ExternalDetector:
    requests = DetectorRequests(DetectorAddress.parse(url), Reach(), "onnx", timeout_s=timeout_s)
    return ExternalDetector(requests, lambda _: threshold, "test", monotonic=clock)


def _picture(*, red: bool = True) -> Picture:
    pixels = np.zeros((120, 160, 3), np.uint8)
    if red:
        pixels[32:64, 16:48, 0] = 255
    return Picture(1, "gate", 0, pixels)


def test_the_request_is_that_of_the_contract_and_the_answer_is_found(server: DetectorServer) -> None:
    (found,) = _detector(server.url, _Clock()).look([_picture()])
    (asked,) = server.asked
    assert asked.path == "/detect"
    assert asked.query == {"backend": ["onnx"], "confidence_threshold": ["0.40"], "return_image": ["false"]}
    assert (asked.file_name, asked.file_type, asked.size) == ("snapshot.jpg", "image/jpeg", (160, 120))
    assert asked.headers["accept"] == "application/json"
    assert [(item.label, item.score) for item in found] == [("red", 0.9)]
    box = found[0].box
    assert (box.x, box.y, box.width, box.height) == pytest.approx((0.1, 32 / 120, 0.2, 32 / 120), abs=0.02)


def test_an_address_with_a_query_keeps_it(server: DetectorServer) -> None:
    _detector(server.url + "?model=small", _Clock(), threshold=0).look([_picture()])
    assert server.asked[0].query["model"] == ["small"]
    assert server.asked[0].query["confidence_threshold"] == ["0.50"]


def test_several_pictures_are_asked_about_two_at_a_time(server: DetectorServer) -> None:
    pictures = [_picture(red=index % 2 == 0) for index in range(7)]
    found = _detector(server.url, _Clock()).look(pictures)
    assert [len(items) for items in found] == [1, 0, 1, 0, 1, 0, 1]
    assert server.most_at_once <= 2


def _says(status: int, content: bytes, server: DetectorServer) -> None:
    server.misbehave = lambda handler: answer(handler, status, content)


@pytest.mark.parametrize(
    ("status", "content", "sentence"),
    [
        (500, b"{}", "answers 500"),
        (302, b'{"detections": []}', "answers 302"),
        (200, b"hello", "not JSON"),
        (200, b"[]", "no list of detections"),
        (200, b'{"detections": {}}', "no list of detections"),
        (200, b"[" * 100_000, "not JSON"),
        (200, b'{"detections": [' + b" " * 1_100_000 + b"]}", "more than 1 MB"),
    ],
)
def test_another_answer_is_a_failure_with_a_sentence(
    status: int, content: bytes, sentence: str, server: DetectorServer
) -> None:
    _says(status, content, server)
    with pytest.raises(DetectionFailed, match=sentence):
        _detector(server.url, _Clock()).look([_picture()])


def test_redirects_are_not_followed(server: DetectorServer) -> None:
    def elsewhere(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(307)
        handler.send_header("Location", server.url)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.misbehave = elsewhere
    with pytest.raises(DetectionFailed, match="answers 307"):
        _detector(server.url, _Clock()).look([_picture()])
    assert len(server.asked) == 1


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ssl.SSLContext]:
    """A certificate that is trusted while the tests of this file run."""
    authority, certificate, key = certificates(tmp_path_factory.mktemp("tls"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(authority))
        yield context


def test_a_detector_with_tls_is_asked(tls: ssl.SSLContext) -> None:
    with detector_server(tls) as server:
        ((item,),) = _detector(server.url, _Clock()).look([_picture()])
    assert item.label == "red"


def test_a_detector_whose_certificate_is_not_trusted_is_not_asked(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with (
        detector_server(tls) as server,
        pytest.raises(DetectionFailed, match="certificate verify failed"),
    ):
        _detector(server.url, _Clock()).look([_picture()])
    assert not server.asked


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("drip", [b"", b" "])
def test_a_detector_that_stalls_or_drips_is_given_up(drip: bytes, secure: bool, tls: ssl.SSLContext) -> None:
    ended = threading.Event()

    def stall(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while not ended.wait(0.02):
                handler.wfile.write(drip)
        except OSError:
            pass

    with detector_server(tls if secure else None) as server:
        server.misbehave = stall
        try:
            with pytest.raises(DetectionFailed, match=r"more than 0\.3 s|not JSON"):
                _detector(server.url, _Clock(), timeout_s=0.3).look([_picture()])
        finally:
            ended.set()


@pytest.mark.parametrize("secure", [False, True])
def test_a_detector_that_nobody_waits_for_any_more_is_let_go_of(secure: bool, tls: ssl.SSLContext) -> None:
    asked, ended = threading.Event(), threading.Event()

    def stall(_handler: BaseHTTPRequestHandler) -> None:
        asked.set()
        ended.wait()

    with detector_server(tls if secure else None) as server:
        server.misbehave = stall
        detector = _detector(server.url, _Clock(), timeout_s=600)
        with ThreadPoolExecutor(1) as pool:
            looking = pool.submit(detector.look, [_picture()])
            assert asked.wait(30)
            detector.interrupt()
            with pytest.raises(DetectionFailed, match="broke off"):
                looking.result(30)
        ended.set()


def test_a_flood_without_end_is_cut_off(server: DetectorServer) -> None:
    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b" " * 65536)
        except OSError:
            pass

    server.misbehave = flood
    with pytest.raises(DetectionFailed, match="more than 1 MB"):
        _detector(server.url, _Clock()).look([_picture()])


def test_an_answer_cut_short_is_a_failure(server: DetectorServer) -> None:
    def cut(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"detections": []}')

    server.misbehave = cut
    with pytest.raises(DetectionFailed, match="middle of its answer"):
        _detector(server.url, _Clock()).look([_picture()])


def test_after_a_failure_it_pauses_longer_and_longer_and_recovers(
    server: DetectorServer, caplog: pytest.LogCaptureFixture
) -> None:
    clock = _Clock()
    detector = _detector(server.url, clock)
    _says(500, b"", server)
    with caplog.at_level(logging.INFO, "lightnvr.detection"):
        for pause in (1, 2, 4, 8, 16, 32, 60, 60):
            asked = len(server.asked)
            with pytest.raises(DetectionFailed, match=r"answers 500 instead of 200\.$"):
                detector.look([_picture()])
            clock.now += pause - 0.1
            with pytest.raises(DetectionFailed, match="asked again"):
                detector.look([_picture()])
            assert len(server.asked) == asked + 1
            clock.now += 0.1
        server.misbehave = None
        assert len(detector.look([_picture()])[0]) == 1
    assert (detector.counts.requests, detector.counts.failures, detector.counts.error) == (9, 8, "")
    assert len(caplog.records) == 2


def test_one_that_is_not_there_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(DetectionFailed, match="cannot be reached"):
        _detector(f"http://127.0.0.1:{port}/", _Clock()).look([_picture()])


def test_pictures_with_an_answer_count_although_another_has_none(server: DetectorServer) -> None:
    first = threading.Lock()

    def once(handler: BaseHTTPRequestHandler) -> None:
        if first.acquire(blocking=False):
            answer(handler, 500, b"")
        else:
            item = {"label": "cat", "confidence": 1, "x_min": 0, "y_min": 0, "x_max": 1, "y_max": 1}
            answer(handler, 200, json.dumps({"detections": [item]}).encode())

    server.misbehave = once
    detector = _detector(server.url, _Clock())
    found = detector.look([_picture(), _picture()])
    assert sorted(len(items) for items in found) == [0, 1]
    assert "answers 500" in detector.counts.error


def test_unusable_things_in_an_answer_are_left_out() -> None:
    box = {"x_min": 0.1, "y_min": 0.2, "x_max": 0.5, "y_max": 0.4}
    good = {"label": "car", "confidence": 0.5, "bounding_box": box, "track_id": 7, "zone_id": "drive"}
    bad: list[object] = [
        None, 3, "car", [], {}, {**good, "label": ""}, {**good, "label": 4}, {**good, "confidence": "high"},
        {**good, "confidence": 1.5}, {**good, "confidence": True}, {**good, "bounding_box": None},
        {**good, "bounding_box": {**box, "x_max": 0.1}}, {**good, "bounding_box": {**box, "y_min": "top"}},
        {**good, "confidence": 10**400},
    ]  # fmt: skip
    odd = {**good, "label": "x" * 99, "track_id": -1, "zone_id": 4, **box}
    found = read_answer(json.dumps({"detections": [*bad, good, odd]}).encode())
    expected = Box(0.1, 0.2, 0.4, 0.2)
    assert [(item.label, item.track_id, item.zone) for item in found] == [("car", 7, "drive"), ("x" * 31, None, "")]
    assert (found[0].box.width, found[0].box.height) == pytest.approx((expected.width, expected.height))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["detections", "label", "confidence", "bounding_box", "x_min", "y_min", "x_max", "y_max"]),
            inner,
            max_size=8,
        )
    ),
)


@given(_json)
def test_whatever_is_answered_what_is_found_is_sound(content: object) -> None:
    try:
        found: list[Found] = read_answer(json.dumps({"detections": [content]}).encode())
    except UnreadableAnswer:
        return
    for item in found:
        assert item.label
        assert 0 <= item.score <= 1
        assert 0 <= item.box.x < item.box.x + item.box.width <= 1.0000001


@pytest.mark.parametrize(
    "text",
    ["", "ftp://host/", "http://", "http://u:p@host/", "http://host/#x", "http://host/?a?b", "http://ho st/",
     "host:80/", "http://host:99999/", "http://host/\n", "http://höst/", "http://[::1/"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidAddress):
        DetectorAddress.parse(text)


@pytest.mark.parametrize(
    ("address", "by_stream", "by_administrator"),
    [
        ("127.0.0.1", True, True),
        ("::1", True, True),
        ("192.168.1.20", True, True),
        ("10.0.0.2", True, True),
        ("fd12::1", True, True),
        ("::ffff:192.168.1.20", True, True),
        ("8.8.8.8", False, True),
        ("2001:4860:4860::8888", False, True),
        ("169.254.169.254", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("fe80::1%eth0", False, False),
        ("224.0.0.1", False, False),
        ("0.0.0.0", False, False),
        ("255.255.255.255", False, False),
        ("fd00:ec2::254", False, False),
        ("203.0.113.5", False, True),
    ],
)
def test_streams_reach_only_near_detectors_and_nobody_the_secrets_of_clouds(
    address: str, by_stream: bool, by_administrator: bool
) -> None:
    for reach, allowed in ((Reach.of(""), by_stream), (Reach.of("", anywhere=True), by_administrator)):
        if allowed:
            assert reach.allowed("host", [address]) == address
        else:
            with pytest.raises(InvalidAddress):
                reach.allowed("host", [address])


def test_networks_that_are_named_are_reached_too() -> None:
    reach = Reach.of("198.51.100.0/24, 8.8.8.8")
    assert reach.allowed("host", ["1.1.1.1", "8.8.8.8"]) == "8.8.8.8"
    with pytest.raises(InvalidAddress):
        reach.allowed("host", ["1.1.1.1"])


def test_a_name_that_means_a_forbidden_address_is_not_asked() -> None:
    requests = DetectorRequests(
        DetectorAddress.parse("http://inner.example/"), Reach(), "onnx", resolve=lambda _, __: ["169.254.169.254"]
    )
    detector = ExternalDetector(requests, lambda _: 0.5, "test", monotonic=_Clock())
    with pytest.raises(DetectionFailed, match="No detector may be asked"):
        detector.look([_picture()])
