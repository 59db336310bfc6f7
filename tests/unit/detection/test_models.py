"""Models in files, run by onnxruntime: what they find, and what is no model."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.detection.detector import Found, Picture
from lightnvr.detection.heads import Output, UnknownHead, recognise
from lightnvr.detection.labels import label_of, labels_within
from lightnvr.detection.letterbox import Letterbox
from lightnvr.detection.model_detector import ModelDetector
from lightnvr.detection.models_folder import UnusableModel
from lightnvr.detection.onnx_model import OnnxModel
from tests.rig.blob_models import CELL, LAYOUTS, SIDE, blob_model

_COLOURS = {"red": 0, "green": 1, "blue": 2}


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "blobs.onnx"
    path.write_bytes(content)
    return path


def _picture(width: int, height: int, *blobs: tuple[str, int, int, int]) -> Picture:
    """A black picture with square blobs: colour, left, top, side in pixels."""
    pixels = np.zeros((height, width, 3), np.uint8)
    for colour, left, top, side in blobs:
        pixels[top : top + side, left : left + side, _COLOURS[colour]] = 250
    return Picture(1, "gate", 0, pixels)


def _summary(found: list[Found] | tuple[Found, ...], width: int, height: int) -> set[tuple[str, int, int, int, int]]:
    return {
        (
            item.label,
            round(item.box.x * width),
            round(item.box.y * height),
            round(item.box.width * width),
            round(item.box.height * height),
        )
        for item in found
        if item.score > 0.5
    }


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_finds_the_blobs_of_each_picture_where_they_are(layout: str, tmp_path: Path) -> None:
    detector = ModelDetector(OnnxModel(_file(tmp_path, blob_model(layout)), 1))
    pictures = [
        _picture(SIDE, SIDE, ("red", 8, 16, CELL), ("blue", 48, 40, CELL)),
        _picture(SIDE, SIDE),
        _picture(SIDE, SIDE, ("green", 0, 56, CELL)),
    ]
    found = [_summary(tuple(items), SIDE, SIDE) for items in detector.look(pictures)]
    assert found == [{("red", 8, 16, 8, 8), ("blue", 48, 40, 8, 8)}, set(), {("green", 0, 56, 8, 8)}]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_wide_picture_is_fitted_in_and_boxes_are_fractions_of_it(layout: str, tmp_path: Path) -> None:
    # 128 x 64 becomes 64 x 32 in the middle: a blob of 16 x 16 pixels fills one cell.
    detector = ModelDetector(OnnxModel(_file(tmp_path, blob_model(layout)), 1))
    (found,) = detector.look([_picture(2 * SIDE, SIDE, ("red", 32, 16, 2 * CELL))])
    # Around the picture it is grey, which these models take for a weak blob.
    assert _summary(tuple(found), 2 * SIDE, SIDE) == {("red", 32, 16, 16, 16)}


def test_a_model_for_one_picture_at_a_time_looks_at_several_one_after_another(tmp_path: Path) -> None:
    model = OnnxModel(_file(tmp_path, blob_model("yolov8", batch=1)), 1)
    assert model.input.pictures == 1
    found = ModelDetector(model).look([_picture(SIDE, SIDE, ("red", 8, 8, 8)), _picture(SIDE, SIDE)])
    assert [_summary(tuple(items), SIDE, SIDE) for items in found] == [{("red", 8, 8, 8, 8)}, set()]


def test_many_pictures_are_looked_at_in_groups(tmp_path: Path) -> None:
    detector = ModelDetector(OnnxModel(_file(tmp_path, blob_model("yolov8")), 1))
    pictures = [_picture(SIDE, SIDE, ("red", 8 * (index % 8), 0, 8)) for index in range(19)]
    found = [_summary(tuple(items), SIDE, SIDE) for items in detector.look(pictures)]
    assert found == [{("red", 8 * (index % 8), 0, 8, 8)} for index in range(19)]


def test_a_picture_without_colours_will_do(tmp_path: Path) -> None:
    detector = ModelDetector(OnnxModel(_file(tmp_path, blob_model("yolov8")), 1))
    pixels = np.zeros((SIDE, SIDE), np.uint8)
    pixels[8:16, 8:16] = 250
    (found,) = detector.look([Picture(1, "gate", 0, pixels)])
    assert [(item.box.x, item.box.y) for item in found] == [(0.125, 0.125)]


@pytest.mark.parametrize("name", ["blobs.onnx.labels.txt", "blobs.labels.txt", "blobs.names", "labels.txt"])
def test_labels_beside_the_model_go_before_those_within(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("person\ncar\ndog\n", "utf-8")
    detector = ModelDetector(OnnxModel(_file(tmp_path, blob_model("yolov8")), 1))
    (found,) = detector.look([_picture(SIDE, SIDE, ("green", 8, 8, 8))])
    assert [item.label for item in found] == ["car"]


def test_without_labels_classes_have_numbers(tmp_path: Path) -> None:
    detector = ModelDetector(OnnxModel(_file(tmp_path, blob_model("yolov10", names=False)), 1))
    (found,) = detector.look([_picture(SIDE, SIDE, ("green", 8, 8, 8))])
    assert [item.label for item in found] == ["class 1"]


def test_a_file_that_is_no_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnusableModel, match="no model that onnxruntime can load"):
        OnnxModel(_file(tmp_path, b"this is no model"), 1)


def test_a_model_cut_short_says_so(tmp_path: Path) -> None:
    content = blob_model("yolov8")
    for length in range(0, len(content), 97):
        with pytest.raises(UnusableModel):
            OnnxModel(_file(tmp_path, content[:length]), 1)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnusableModel, match="cannot be read"):
        OnnxModel(tmp_path / "gone.onnx", 1)


def test_labels_that_do_not_fit_say_so(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("person\n", "utf-8")
    with pytest.raises(UnusableModel, match="1 labels, but 7 values"):
        OnnxModel(_file(tmp_path, blob_model("yolov8")), 1)


@pytest.mark.parametrize(
    ("shape", "labels", "head"),
    [
        ((1, 25200, 85), 80, "yolov5"),
        ((1, 25200, 85), 0, "yolov5"),
        ((1, 84, 8400), 80, "yolov8"),
        ((1, 84, 8400), 0, "yolov8"),
        ((1, 8400, 84), 80, "yolov8"),
        ((1, 5, 8400), 1, "yolov8"),
        ((1, 25200, 6), 1, "yolov5"),
        ((1, 300, 6), 80, "yolo-nms"),
        ((1, 300, 6), 0, "yolo-nms"),
        ((42, 7), 80, "yolo-nms-rows"),
    ],
)
def test_heads_of_real_models_are_recognised(shape: tuple[int, ...], labels: int, head: str) -> None:
    reading = recognise([Output("output0", shape)], 640, 640, labels, channels_last=False, end_to_end=False)
    assert reading.head.value == head


@pytest.mark.parametrize("shape", [(1, 1000), (1, 3, 80, 80, 85), (1, 4, 100), (1,)])
def test_other_outputs_are_no_heads(shape: tuple[int, ...]) -> None:
    with pytest.raises(UnknownHead):
        recognise([Output("output0", shape)], 640, 640, 0, channels_last=False, end_to_end=False)


@given(st.integers(1, 4000), st.integers(1, 4000), st.integers(32, 1280), st.integers(32, 1280), st.data())
def test_a_box_comes_back_from_the_letterbox_as_it_was(
    width: int, height: int, input_width: int, input_height: int, draw: st.DataObject
) -> None:
    fitted = Letterbox.of(width, height, input_width, input_height)
    assert 0 <= fitted.left <= input_width - fitted.width
    assert 0 <= fitted.top <= input_height - fitted.height
    x1, x2 = sorted(draw.draw(st.lists(st.floats(0, 1), min_size=2, max_size=2)))
    y1, y2 = sorted(draw.draw(st.lists(st.floats(0, 1), min_size=2, max_size=2)))
    box = fitted.box(
        fitted.left + x1 * fitted.width,
        fitted.top + y1 * fitted.height,
        fitted.left + x2 * fitted.width,
        fitted.top + y2 * fitted.height,
    )
    expected = (x1, y1, x2 - x1, y2 - y1)
    assert (box.x, box.y, box.width, box.height) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        ("{0: 'person', 1: 'car'}", ("person", "car")),
        ("['person', 'car']", ("person", "car")),
        ("{1: 'car'}", ("", "car")),
        ("__import__('os')", ()),
        ("{999999999: 'x'}", ()),
        ("[" * 5000, ()),
        ("", ()),
    ],
)
def test_labels_within_a_model_are_read_and_never_run(names: str, labels: tuple[str, ...]) -> None:
    assert labels_within(names) == labels


def test_a_class_without_a_label_has_a_number() -> None:
    assert [label_of(("", "car"), index) for index in (-1, 0, 1, 2)] == ["class -1", "class 0", "car", "class 2"]
