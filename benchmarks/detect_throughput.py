"""Pictures a second that a detection model looks at: through our detector, and by onnxruntime alone on ready tensors.

Ours begins with decoded pictures and ends with boxes in fractions of them. Both use the same model, of the size of the
smallest YOLO and with weights by chance, and the same number of threads, and take turns.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import onnxruntime

from benchmarks.nano_model import nano_model
from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.table import Table, median
from lightnvr.detection.detector import Picture
from lightnvr.detection.model_detector import ModelDetector
from lightnvr.detection.onnx_model import OnnxModel

_TARGET = 0.8
_WIDTH, _HEIGHT = 1280, 720


def main() -> None:
    """Run and print."""
    options = parser("detect_throughput", __doc__)
    options.add_argument("--side", type=positive, default=640, help="pixels of a side of the model's input")
    options.add_argument("--threads", type=positive, default=1, help="that the model may use")
    options.add_argument("--rounds", type=positive, default=7)
    options.add_argument("--pictures", type=positive, default=16, help="in each round")
    arguments = options.parse_args()
    content, work = nano_model(arguments.side)
    with workplace(arguments) as folder:
        path = folder / "nano.onnx"
        path.write_bytes(content)
        detector = ModelDetector(OnnxModel(path, arguments.threads))
        rows = [_row(arguments, detector, content, together) for together in (1, 4)]
    notes = (
        f"The model has {work:.1f} GFLOP a picture of {arguments.side} pixels a side and {arguments.threads} "
        f"thread(s); pictures have {_WIDTH} x {_HEIGHT} pixels. {arguments.rounds} rounds of {arguments.pictures} "
        f"pictures each way, in turns; medians. Target: at least {_TARGET} of onnxruntime alone."
    )
    columns = ("pictures at once", "ours /s", "onnxruntime /s", "ratio", "target", "")
    report(Table("Looking at pictures with a model", columns, tuple(rows), notes), arguments)


def _row(arguments: argparse.Namespace, detector: ModelDetector, content: bytes, together: int) -> tuple[str, ...]:
    chance = np.random.default_rng(1)
    pictures = [
        Picture(number, "", 0, chance.integers(0, 256, (_HEIGHT, _WIDTH, 3), np.uint8)) for number in range(together)
    ]
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = arguments.threads
    settings.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, settings, providers=["CPUExecutionProvider"])
    ready = chance.random((together, 3, arguments.side, arguments.side), np.float32)
    times = max(1, arguments.pictures // together)
    ways: tuple[Callable[[], object], ...] = (
        lambda: detector.look(pictures),
        lambda: session.run(None, {"images": ready}),
    )
    rates: tuple[list[float], list[float]] = ([], [])
    for number in range(arguments.rounds + 1):
        for way, rate in zip(ways, rates, strict=True):
            began = time.perf_counter()
            for _ in range(times):
                way()
            if number:
                # The first round warms up.
                rate.append(times * together / (time.perf_counter() - began))
    ours, alone = median(rates[0]), median(rates[1])
    say(f"{together} at once: {ours:.1f} and {alone:.1f} pictures/s")
    met = "met" if ours / alone >= _TARGET else "MISSED"
    return str(together), f"{ours:.1f}", f"{alone:.1f}", f"{ours / alone:.2f}", f"{_TARGET:.2f}", met


if __name__ == "__main__":
    main()
