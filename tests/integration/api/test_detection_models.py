"""/api/detection/models: what can detect, and why something cannot."""

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.api.running import running_api
from tests.rig.blob_models import blob_model
from tests.rig.blob_tflite import tflite_model


def test_models_are_listed_and_say_why_they_cannot_be_used(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    with running_api(tmp_path) as api, api.client() as client:

        def listed() -> dict[str, Any]:
            answer = client.get("/api/detection/models")
            assert answer.status_code == 200
            return dict(answer.json())

        before = listed()
        assert before["message"] == "Models directory does not exist"
        assert [(model["id"], model["supported"]) for model in before["models"]] == [
            ("motion", True), ("api-detection", True), ("onvif", False),
        ]  # fmt: skip

        folder.mkdir()
        (folder / "blobs.onnx").write_bytes(blob_model("yolov8"))
        (folder / "broken.onnx").write_bytes(b"no model")
        (folder / "blobs.tflite").write_bytes(tflite_model(labels="yolo"))
        (folder / "old.sod").write_bytes(b"SOD")
        (folder / "readme.md").write_text("nothing", "utf-8")
        answer = listed()
        assert "message" not in answer
        assert answer["count"] == 7
        assert answer["onnx_available"] is True
        assert answer["litert_available"] is True
        blobs, lite, broken, old = answer["models"][3:]
        assert blobs == {
            "id": str(folder / "blobs.onnx"),
            "path": str(folder / "blobs.onnx"),
            "name": "blobs.onnx",
            "type": "onnx",
            "supported": True,
            "size": (folder / "blobs.onnx").stat().st_size,
        }
        assert "no model that onnxruntime can load" in broken["unsupported_reason"]
        assert (lite["type"], lite["supported"]) == ("tflite", True)
        assert "use one in the form of ONNX" in old["unsupported_reason"]

        # A file that was replaced is tried again, and so is one whose labels were.
        (folder / "broken.onnx").write_bytes(blob_model("yolov10"))
        # These are the labels of both files of this name.
        (folder / "blobs.labels.txt").write_text("one label\n", "utf-8")
        blobs, lite, broken = listed()["models"][3:6]
        assert "1 labels, but 7 values" in blobs["unsupported_reason"]
        assert (lite["supported"], broken["supported"]) == (False, True)


def test_models_say_which_extra_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Python takes a module that is None for one that is not there.
    for module in ("onnxruntime", "ai_edge_litert", "ai_edge_litert.interpreter"):
        monkeypatch.setitem(sys.modules, module, None)
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "blobs.onnx").write_bytes(blob_model("yolov8"))
    (folder / "blobs.tflite").write_bytes(tflite_model(labels="yolo"))
    with running_api(tmp_path) as api, api.client() as client:
        answer = client.get("/api/detection/models").json()
    assert (answer["onnx_available"], answer["litert_available"]) == (False, False)
    assert [(model["name"], model["supported"], model["unsupported_reason"]) for model in answer["models"][3:]] == [
        ("blobs.onnx", False, "The package onnxruntime is not installed: install LightNVR with its extra onnx."),
        ("blobs.tflite", False, "The package ai-edge-litert is not installed: install LightNVR with its extra tflite."),
    ]


def test_both_dialects_give_the_same_list(tmp_path: Path) -> None:
    with running_api(tmp_path) as api, api.client() as client:
        answers = [
            client.get("/api/detection/models", headers={"X-LightNVR-Dialect": dialect}).json()
            for dialect in ("documented", "lightnvr")
        ]
    assert answers[0] == answers[1]
