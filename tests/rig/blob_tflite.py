"""Tiny TensorFlow Lite models that find bright blobs, as `blob_models` does: they compute boxes from pixels."""

import io
import zipfile
from collections.abc import Sequence
from typing import Any, Literal

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.rig.blob_models import CELL, LABELS, SIDE

Layout = Literal["yolov8", "ssd", "older ssd"]
Kind = Literal["float32", "uint8", "int8"]

_ACROSS = SIDE // CELL
_CELLS = _ACROSS * _ACROSS
_STEP = 1 / 255
_KINDS = {
    "float32": (schema.TensorType.FLOAT32, None),
    "uint8": (schema.TensorType.UINT8, 0),
    "int8": (schema.TensorType.INT8, -128),
}
_NAMES = {
    # Boxes, classes, scores and their number.
    "ssd": tuple(f"StatefulPartitionedCall:{number}" for number in (3, 2, 1, 0)),
    "older ssd": ("TFLite_Detection_PostProcess", *(f"TFLite_Detection_PostProcess:{number}" for number in (1, 2, 3))),
}


def tflite_model(
    layout: Layout = "yolov8", kind: Kind = "float32", *, labels: Literal["", "yolo", "lines"] = ""
) -> bytes:
    """Return the file of a model whose input is of this kind.

    `yolov8` gives 1 x 7 x 64 in fractions of the picture. `ssd` gives boxes, classes, scores and their number, by
    names that do not tell, in the order of one converter or an older one. `labels` are packed into it as YOLO does, or
    in lines.
    """
    graph = _Graph()
    given, zero = _KINDS[kind]
    image = graph.tensor("image", (1, SIDE, SIDE, 3), given, step=None if zero is None else _STEP, zero=zero or 0)
    source = image
    if zero is not None:
        source = graph.add(schema.BuiltinOperator.DEQUANTIZE, [image], (1, SIDE, SIDE, 3))
    pooled = graph.add(schema.BuiltinOperator.AVERAGE_POOL_2D, [source], (1, _ACROSS, _ACROSS, 3), _pool())
    scores = graph.add(schema.BuiltinOperator.RESHAPE, [pooled, graph.numbers([1, _CELLS, 3])], (1, _CELLS, 3))
    outputs = _yolo(graph, scores) if layout == "yolov8" else _ssd(graph, scores, _NAMES[layout])
    return graph.file([image], outputs) + _packed(labels)


class _Graph:
    def __init__(self) -> None:
        self._model = schema.ModelT()
        self._model.version = 3
        self._model.buffers = [schema.BufferT()]
        self._model.operatorCodes = []
        self._codes: dict[int, int] = {}
        self._graph = schema.SubGraphT()
        self._graph.tensors = []
        self._graph.operators = []

    def tensor(
        self, name: str, shape: Sequence[int], kind: int = schema.TensorType.FLOAT32, *,
        step: float | None = None, zero: int = 0, content: bytes = b"",
    ) -> int:  # fmt: skip
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name.encode(), list(shape), kind
        tensor.buffer = 0
        if content:
            buffer = schema.BufferT()
            buffer.data = list(content)
            self._model.buffers.append(buffer)
            tensor.buffer = len(self._model.buffers) - 1
        if step is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [step], [zero]
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def numbers(self, values: Sequence[int]) -> int:
        content = np.array(values, np.int32).tobytes()
        return self.tensor("", (len(values),), schema.TensorType.INT32, content=content)

    def floats(self, values: "np.ndarray[Any, np.dtype[np.float32]]") -> int:
        return self.tensor("", values.shape, content=values.astype(np.float32).tobytes())

    def add(
        self, operation: int, inputs: Sequence[int], shape: Sequence[int], options: tuple[int, object] | None = None, *,
        name: str = "", kind: int = schema.TensorType.FLOAT32,
    ) -> int:  # fmt: skip
        if operation not in self._codes:
            code = schema.OperatorCodeT()
            code.builtinCode, code.deprecatedBuiltinCode, code.version = operation, min(operation, 127), 1
            self._codes[operation] = len(self._model.operatorCodes)
            self._model.operatorCodes.append(code)
        made = self.tensor(name, shape, kind)
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = self._codes[operation], list(inputs), [made]
        if options is not None:
            operator.builtinOptionsType, operator.builtinOptions = options
        self._graph.operators.append(operator)
        return made

    def file(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        self._graph.inputs, self._graph.outputs = list(inputs), list(outputs)
        self._model.subgraphs = [self._graph]
        builder = flatbuffers.Builder(4096)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def _pool() -> tuple[int, object]:
    options = schema.Pool2DOptionsT()
    options.strideW = options.strideH = options.filterWidth = options.filterHeight = CELL
    options.padding = schema.Padding.VALID
    return schema.BuiltinOptions.Pool2DOptions, options


def _centred() -> "np.ndarray[Any, np.dtype[np.float32]]":
    rows, columns = np.divmod(np.arange(_CELLS), _ACROSS)
    size = np.full(_CELLS, 1.0)
    return (np.stack([columns + 0.5, rows + 0.5, size, size], axis=1) / _ACROSS).astype(np.float32)[np.newaxis]


def _yolo(graph: _Graph, scores: int) -> list[int]:
    options = schema.ConcatenationOptionsT()
    options.axis = 2
    joined = graph.add(
        schema.BuiltinOperator.CONCATENATION,
        [graph.floats(_centred()), scores],
        (1, _CELLS, 7),
        (schema.BuiltinOptions.ConcatenationOptions, options),
    )
    turned = graph.add(
        schema.BuiltinOperator.TRANSPOSE, [joined, graph.numbers([0, 2, 1])], (1, 7, _CELLS), name="Identity"
    )
    return [turned]


def _ssd(graph: _Graph, scores: int, names: Sequence[str]) -> list[int]:
    operators = schema.BuiltinOperator
    best = graph.add(
        operators.REDUCE_MAX, [scores, graph.numbers([2])], (1, _CELLS),
        (schema.BuiltinOptions.ReducerOptions, schema.ReducerOptionsT()), name=names[2],
    )  # fmt: skip
    options = schema.ArgMaxOptionsT()
    options.outputType = schema.TensorType.INT32
    index = graph.add(
        operators.ARG_MAX, [scores, graph.numbers([2])], (1, _CELLS),
        (schema.BuiltinOptions.ArgMaxOptions, options), kind=schema.TensorType.INT32,
    )  # fmt: skip
    classes = graph.add(operators.CAST, [index], (1, _CELLS), name=names[1])
    x, y, wide, high = np.moveaxis(_centred(), 2, 0)
    corners = np.stack([y - high / 2, x - wide / 2, y + high / 2, x + wide / 2], axis=2)
    # A sum with zeros, because an output has to be computed.
    boxes = graph.add(
        operators.ADD, [graph.floats(corners), _nothing(graph, best)], corners.shape,
        (schema.BuiltinOptions.AddOptions, schema.AddOptionsT()), name=names[0],
    )  # fmt: skip
    count = graph.add(
        operators.ADD, [graph.floats(np.array([_CELLS], np.float32)), graph.floats(np.array([0], np.float32))], (1,),
        (schema.BuiltinOptions.AddOptions, schema.AddOptionsT()), name=names[3],
    )  # fmt: skip
    return [best, boxes, count, classes]


def _nothing(graph: _Graph, best: int) -> int:
    options = schema.MulOptionsT()
    none = graph.add(
        schema.BuiltinOperator.MUL, [best, graph.floats(np.zeros((1, 1), np.float32))], (1, _CELLS),
        (schema.BuiltinOptions.MulOptions, options),
    )  # fmt: skip
    return graph.add(schema.BuiltinOperator.RESHAPE, [none, graph.numbers([1, _CELLS, 1])], (1, _CELLS, 1))


def _packed(labels: str) -> bytes:
    if not labels:
        return b""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        if labels == "yolo":
            archive.writestr("temp_meta.txt", str({"task": "detect", "names": dict(enumerate(LABELS))}))
        else:
            archive.writestr("labelmap.txt", "\n".join(LABELS))
    return packed.getvalue()
