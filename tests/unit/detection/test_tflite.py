"""Models of TensorFlow Lite, run by LiteRT: what they find, and what is no model."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from lightnvr.detection.detector import Found, Picture
from lightnvr.detection.model_detector import ModelDetector
from lightnvr.detection.model_loading import load_model
from lightnvr.detection.models_folder import UnusableModel
from tests.rig.blob_models import CELL, SIDE
from tests.rig.blob_tflite import Kind, Layout, tflite_model


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "blobs.tflite"
    path.write_bytes(content)
    return path


def _picture(colour: int, left: int, top: int) -> Picture:
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    pixels[top : top + CELL, left : left + CELL, colour] = 250
    return Picture(1, "gate", 0, pixels)


def _found(path: Path, *pictures: Picture) -> list[list[Found]]:
    looked = ModelDetector(load_model(path, 1)).look(pictures)
    return [[item for item in items if item.score > 0.5] for items in looked]


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize("layout", get_args(Layout))
def test_each_kind_of_number_and_layout_finds_the_blob_of_each_picture(
    layout: Layout, kind: Kind, tmp_path: Path
) -> None:
    path = _file(tmp_path, tflite_model(layout, kind, labels="yolo"))
    found = _found(path, _picture(0, 8, 16), _picture(2, 48, 40))
    assert [[item.label for item in items] for items in found] == [["red"], ["blue"]]
    (first,), (second,) = found
    assert first.score == pytest.approx(250 / 255, abs=0.01)
    assert (first.box.x, first.box.y, first.box.width, first.box.height) == pytest.approx((1 / 8, 1 / 4, 1 / 8, 1 / 8))
    assert (second.box.x, second.box.y) == pytest.approx((3 / 4, 5 / 8))


def test_labels_are_packed_into_the_model_in_two_ways_and_those_beside_it_count_more(tmp_path: Path) -> None:
    path = _file(tmp_path, tflite_model(labels="lines"))
    assert load_model(path, 1).labels == ("red", "green", "blue")
    (tmp_path / "labels.txt").write_text("person\ncar\ndog\n", "utf-8")
    assert load_model(path, 1).labels == ("person", "car", "dog")


def test_without_labels_classes_have_numbers(tmp_path: Path) -> None:
    ((item,),) = _found(_file(tmp_path, tflite_model()), _picture(1, 8, 8))
    assert item.label == "class 1"


def test_a_model_cut_short_says_so(tmp_path: Path) -> None:
    for content in (b"", b"this is no model", tflite_model()[:200]):
        with pytest.raises(UnusableModel, match="no model that LiteRT can load"):
            load_model(_file(tmp_path, content), 1)
