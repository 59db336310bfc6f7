"""Tiny models that find bright blobs: they compute boxes from pixels, in each of the layouts of real ones.

The input is 64 x 64 pixels in cells of 8 x 8. The brightness of a cell in red, green or blue is the score of the class
`red`, `green` or `blue`; the box is the cell.
"""

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SIDE = 64
CELL = 8
LABELS = ("red", "green", "blue")
LAYOUTS = ("yolov5", "yolov8", "yolov10", "yolov7-nms", "ssd", "efficient-nms")
_ACROSS = SIDE // CELL
_CELLS = _ACROSS * _ACROSS
_TOP = 10


def blob_model(layout: str, *, batch: int | str = "batch", names: bool = True, side: int | str = SIDE) -> bytes:
    """Return the file of a model; `batch` is a number, or a name when any will do."""
    bytes_in = layout == "ssd"
    shape = [batch, side, side, 3] if bytes_in else [batch, 3, side, side]
    graph = _Graph()
    image = "image"
    if bytes_in:
        image = graph.add("Cast", [image], to=TensorProto.FLOAT)
        image = graph.add("Transpose", [image], perm=[0, 3, 1, 2])
        image = graph.add("Div", [image, graph.floats(np.float32(255))])
    pooled = graph.add("AveragePool", [image], kernel_shape=[CELL, CELL], strides=[CELL, CELL])
    scores = graph.add("Reshape", [pooled, graph.integers([0, 3, _CELLS])])
    outputs = _OUTPUTS[layout](graph, scores)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            layout,
            [helper.make_tensor_value_info("image", TensorProto.UINT8 if bytes_in else TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=9,
    )
    if names:
        helper.set_model_props(model, {"names": str(dict(enumerate(LABELS)))})
    content: bytes = model.SerializeToString()
    return content


class _Graph:
    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operation: str, inputs: Sequence[str], output: str = "", **attributes: int | Sequence[int]) -> str:
        name = output or f"value{len(self.nodes)}"
        node = helper.make_node(operation, list(inputs), [name])
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self.nodes.append(node)
        return name

    def floats(self, values: NDArray[np.float32] | np.float32) -> str:
        return self.constant(np.asarray(values, np.float32))

    def integers(self, values: Sequence[int]) -> str:
        return self.constant(np.array(values, np.int64))

    def best(self, scores: str) -> tuple[str, str, str]:
        """Return scores, cells and classes of the brightest, each B x 10."""
        highest = self.add("ReduceMax", [scores], axes=[1], keepdims=0)
        top, cells = f"top{len(self.nodes)}", f"cells{len(self.nodes)}"
        self.nodes.append(helper.make_node("TopK", [highest, self.integers([_TOP])], [top, cells]))
        classes = self.add("ArgMax", [scores], axis=1, keepdims=0)
        classes = self.add("Cast", [self.add("GatherElements", [classes, cells], axis=1)], to=TensorProto.FLOAT)
        return top, cells, classes

    def constant(self, values: NDArray[np.generic]) -> str:
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name


def _cells() -> NDArray[np.float32]:
    """Return left, top, right, bottom of each cell."""
    rows, columns = np.divmod(np.arange(_CELLS), _ACROSS)
    corners = np.stack([columns, rows, columns + 1, rows + 1], axis=1) * CELL
    return corners.astype(np.float32)


def _centred(graph: _Graph, scores: str) -> str:
    corners = _cells()
    centred = np.concatenate([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], axis=1)
    nothing = graph.add("ReduceMax", [graph.add("Mul", [scores, graph.floats(np.float32(0))])], axes=[1], keepdims=1)
    return graph.add("Add", [nothing, graph.floats(centred.T[np.newaxis])])


def _yolov8(graph: _Graph, scores: str) -> list[str]:
    return [graph.add("Concat", [_centred(graph, scores), scores], "output0", axis=1)]


def _yolov5(graph: _Graph, scores: str) -> list[str]:
    certain = graph.add("ReduceMax", [scores], axes=[1], keepdims=1)
    stacked = graph.add("Concat", [_centred(graph, scores), certain, scores], axis=1)
    return [graph.add("Transpose", [stacked], "output0", perm=[0, 2, 1])]


def _rows(graph: _Graph, scores: str) -> tuple[str, str, str]:
    """Return boxes (B x 10 x 4), and scores and classes of one more dimension."""
    top, cells, classes = graph.best(scores)
    boxes = graph.add("Gather", [graph.floats(_cells()), cells], axis=0)
    last = graph.integers([-1])
    return boxes, graph.add("Unsqueeze", [top, last]), graph.add("Unsqueeze", [classes, last])


def _yolov10(graph: _Graph, scores: str) -> list[str]:
    return [graph.add("Concat", _rows(graph, scores), "output0", axis=2)]


def _yolov7(graph: _Graph, scores: str) -> list[str]:
    boxes, top, classes = _rows(graph, scores)
    nothing = graph.add("Mul", [top, graph.floats(np.float32(0))])
    pictures = graph.add("Shape", [top], start=0, end=1)
    count = graph.add("Squeeze", [pictures])
    numbers = graph.add("Range", [graph.constant(np.array(0)), count, graph.constant(np.array(1))])
    numbers = graph.add("Reshape", [graph.add("Cast", [numbers], to=TensorProto.FLOAT), graph.integers([-1, 1, 1])])
    stacked = graph.add("Concat", [graph.add("Add", [nothing, numbers]), boxes, classes, top], axis=2)
    return [graph.add("Reshape", [stacked, graph.integers([-1, 7])], "output")]


def _ssd(graph: _Graph, scores: str) -> list[str]:
    top, cells, classes = graph.best(scores)
    turned = _cells()[:, (1, 0, 3, 2)] / np.float32(SIDE)
    graph.add("Gather", [graph.floats(turned), cells], "detection_boxes", axis=0)
    graph.add("Identity", [classes], "detection_classes")
    graph.add("Identity", [top], "detection_scores")
    sure = graph.add("Cast", [graph.add("Greater", [top, graph.floats(np.float32(0.3))])], to=TensorProto.FLOAT)
    graph.add("ReduceSum", [sure, graph.integers([1])], "num_detections", keepdims=0)
    return ["detection_boxes", "detection_classes", "detection_scores", "num_detections"]


def _efficient(graph: _Graph, scores: str) -> list[str]:
    top, cells, classes = graph.best(scores)
    graph.add("Gather", [graph.floats(_cells()), cells], "det_boxes", axis=0)
    graph.add("Identity", [top], "det_scores")
    graph.add("Identity", [classes], "det_classes")
    return ["det_boxes", "det_scores", "det_classes"]


_OUTPUTS = {
    "yolov5": _yolov5,
    "yolov8": _yolov8,
    "yolov10": _yolov10,
    "yolov7-nms": _yolov7,
    "ssd": _ssd,
    "efficient-nms": _efficient,
}
