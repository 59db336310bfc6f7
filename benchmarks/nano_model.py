"""A detection model of the size of the smallest YOLO, with weights by chance: as much work, and nothing to download."""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LABELS = 80
_CELLS = (8, 16, 32)


class _Network:
    """Layers that are added one by one; `operations` counts multiplications and additions."""

    def __init__(self, side: int, seed: int) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.operations = 0
        self._sides = {"images": side}
        self._channels = {"images": 3}
        self._chance = np.random.default_rng(seed)

    def add(self, operation: str, inputs: Sequence[str], output: str = "", **attributes: int | Sequence[int]) -> str:
        name = output or f"v{len(self.nodes)}"
        node = helper.make_node(operation, list(inputs), [name])
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self.nodes.append(node)
        return name

    def conv(
        self, source: str, channels: int, size: int, stride: int = 1, *, bias: float = 0, bare: bool = False
    ) -> str:
        """Add a convolution, and SiLU unless `bare`."""
        before, side = self._channels[source], self._sides[source] // stride
        spread = (2 / (before * size * size)) ** 0.5
        weights = (self._chance.standard_normal((channels, before, size, size)) * spread).astype(np.float32)
        pads = [size // 2] * 4
        inputs = [source, self.constant(weights), self.constant(np.full(channels, bias, np.float32))]
        made = self.add("Conv", inputs, kernel_shape=[size, size], strides=[stride, stride], pads=pads)
        self.operations += 2 * side * side * channels * before * size * size
        if not bare:
            made = self.add("Mul", [made, self.add("Sigmoid", [made])])
        self._sides[made], self._channels[made] = side, channels
        return made

    def block(self, source: str, times: int) -> str:
        """Add blocks of two convolutions of half the channels around which the input goes on."""
        channels = self._channels[source]
        for _ in range(times):
            inner = self.conv(self.conv(source, channels // 2, 3), channels, 3)
            made = self.add("Add", [source, inner])
            self._sides[made], self._channels[made] = self._sides[source], channels
            source = made
        return source

    def constant(self, values: np.ndarray) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name


def nano_model(side: int, seed: int = 1) -> tuple[bytes, float]:
    """Return the file of a model in the layout of YOLO 8 for pictures of `side` pixels, and its work in GFLOP."""
    network = _Network(side, seed)
    layer = network.conv(network.conv("images", 16, 3, 2), 32, 3, 2)
    layer = network.block(layer, 1)
    levels = []
    for channels, times in ((64, 2), (128, 2), (256, 1)):
        layer = network.block(network.conv(layer, channels, 3, 2), times)
        levels.append(layer)
    outputs = []
    for level, stride in zip(levels, _CELLS, strict=True):
        across = side // stride
        # Boxes lie about the middle, half as large as the picture.
        boxes = network.conv(network.conv(level, 64, 3), 4, 1, bias=side / 2, bare=True)
        # So that about a thousand boxes of a large picture have to be compared, more than in most pictures.
        scores = network.conv(network.conv(level, 80, 3), LABELS, 1, bias=-3.6, bare=True)
        joined = network.add("Concat", [boxes, network.add("Sigmoid", [scores])], axis=1)
        shape = network.constant(np.array([0, 4 + LABELS, across * across], np.int64))
        outputs.append(network.add("Reshape", [joined, shape]))
    network.add("Concat", outputs, "output0", axis=2)
    graph = helper.make_graph(
        network.nodes,
        "nano",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, side, side])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, ["batch", 4 + LABELS, "boxes"])],
        network.weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {"names": str([f"thing {number}" for number in range(LABELS)])})
    content: bytes = model.SerializeToString()
    return content, network.operations / 1e9
