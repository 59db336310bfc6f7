"""Which detector a stream's setting means."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from lightnvr.detection.detector import Found, Picture
from lightnvr.detection.detectors import DetectorOptions, Detectors, NoDetector
from lightnvr.detection.models_folder import ModelsFolder
from lightnvr.events.edges import Origin
from tests.rig.blob_models import blob_model


class _Motion:
    """Stands for built-in motion."""

    wants_colour = False
    input_size = None

    def __init__(self) -> None:
        self.closed = False

    def look(self, pictures: Sequence[Picture]) -> Sequence[Sequence[Found]]:
        return [() for _ in pictures]

    def forget(self, stream_id: int) -> None:
        pass

    def interrupt(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "models"
    path.mkdir()
    (path / "blobs.onnx").write_bytes(blob_model("yolov8"))
    (path / "broken.onnx").write_bytes(b"no model")
    (path / "old.tflite").write_bytes(b"")
    (tmp_path / "outside.onnx").write_bytes(blob_model("yolov8"))
    return path


def _detectors(folder: Path, options: DetectorOptions | None = None) -> Detectors:
    return Detectors(ModelsFolder(folder), lambda: options or DetectorOptions(), _Motion, lambda _: 0.5)


@pytest.mark.parametrize("model", ["", " ", "onvif"])
def test_some_settings_mean_none_of_ours(model: str, folder: Path) -> None:
    assert _detectors(folder).borrow(model) is None


@pytest.mark.parametrize(
    ("model", "origin"),
    [
        ("motion", Origin.MOTION),
        ("api-detection", Origin.EXTERNAL),
        ("http://127.0.0.1:9000/find", Origin.EXTERNAL),
        ("blobs.onnx", Origin.MODEL),
    ],
)
def test_a_detector_is_shared_by_its_streams_and_closed_after_the_last(
    model: str, origin: Origin, folder: Path
) -> None:
    detectors = _detectors(folder)
    first, second = detectors.borrow(model), detectors.borrow(model)
    assert first is not None
    assert second is not None
    assert first.origin is origin
    assert first.detector is second.detector
    detectors.give_back(first)
    detectors.give_back(second)
    third = detectors.borrow(model)
    assert third is not None
    assert third.detector is not first.detector
    if isinstance(first.detector, _Motion):
        assert first.detector.closed


def test_a_model_may_be_named_by_its_whole_path(folder: Path) -> None:
    detectors = _detectors(folder)
    by_name, by_path = detectors.borrow("blobs.onnx"), detectors.borrow(str(folder / "blobs.onnx"))
    assert by_name is not None
    assert by_path is not None
    assert by_name.detector is by_path.detector


def test_a_stream_has_its_own_external_detector_when_it_says_so(folder: Path) -> None:
    detectors = _detectors(folder)
    own, general = detectors.borrow("api-detection", "http://127.0.0.1:9/"), detectors.borrow("api-detection")
    assert own is not None
    assert general is not None
    assert own.detector is not general.detector


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("gone.onnx", "There is no file gone.onnx"),
        ("broken.onnx", "no model that onnxruntime can load"),
        ("old.tflite", "no model that LiteRT can load"),
        ("labels.txt", "names end in .onnx"),
        ("../outside.onnx", "not in the models folder"),
        ("/etc/passwd", "not in the models folder"),
        ("http://user:secret@host/", "no user name"),
    ],
)
def test_what_cannot_be_used_says_why(model: str, sentence: str, folder: Path) -> None:
    with pytest.raises(NoDetector, match=sentence) as refused:
        _detectors(folder).borrow(model)
    assert "secret" not in str(refused.value)
