"""Pictures a second that a detection model looks at: through our detector, and by onnxruntime alone on ready tensors.

Ours begins with pictures as a decoder gives them and ends with boxes in fractions of them. Both use the same model, of
the size of the smallest YOLO and with weights by chance, and as many threads, and take turns call by call.
onnxruntime alone has its own options, in which threads may spin while they wait; ours may not.
"""

import argparse
import time
from collections.abc import Callable

import av
import numpy as np
import onnxruntime
from av.video.reformatter import VideoReformatter

from benchmarks.nano_model import nano_model
from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.table import Table, median
from lightnvr.detection.detector import Picture
from lightnvr.detection.model_detector import ModelDetector
from lightnvr.detection.onnx_model import OnnxModel
from lightnvr.media.snapshot import to_rgb

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
    columns = ("pictures at once", "boxes in each", "ours /s", "onnxruntime /s", "ratio", "target", "")
    report(Table("Looking at pictures with a model", columns, tuple(rows), notes), arguments)


def _row(arguments: argparse.Namespace, detector: ModelDetector, content: bytes, together: int) -> tuple[str, ...]:
    chance = np.random.default_rng(1)
    frames = [
        av.VideoFrame.from_ndarray(chance.integers(0, 256, (_HEIGHT * 3 // 2, _WIDTH), np.uint8), format="yuv420p")
        for _ in range(together)
    ]
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = arguments.threads
    settings.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, settings, providers=["CPUExecutionProvider"])
    ready = chance.random((together, 3, arguments.side, arguments.side), np.float32)
    scaler = VideoReformatter()
    ways: tuple[Callable[[], object], ...] = (
        lambda: detector.look([_picture(frame, arguments.side, scaler) for frame in frames]),
        lambda: session.run(None, {"images": ready}),
    )
    times = max(1, arguments.pictures // together)
    rates: tuple[list[float], list[float]] = ([], [])
    for number in range(arguments.rounds + 1):
        spent = [0.0, 0.0]
        for _ in range(times):
            for at, way in enumerate(ways):
                began = time.perf_counter()
                way()
                spent[at] += time.perf_counter() - began
        if number:
            # The first round warms up.
            for rate, seconds in zip(rates, spent, strict=True):
                rate.append(times * together / seconds)
    ours, alone = median(rates[0]), median(rates[1])
    say(f"{together} at once: {ours:.1f} and {alone:.1f} pictures/s")
    met = "met" if ours / alone >= _TARGET else "MISSED"
    boxes = sum(map(len, detector.look([_picture(frame, arguments.side, scaler) for frame in frames]))) // together
    return str(together), str(boxes), f"{ours:.1f}", f"{alone:.1f}", f"{ours / alone:.2f}", f"{_TARGET:.2f}", met


def _picture(frame: av.VideoFrame, side: int, scaler: VideoReformatter) -> Picture:
    """Make what a stream's eye makes of a decoded picture: RGB, as large as fits into the model's input."""
    scale = min(1.0, side / frame.width, side / frame.height)
    small = to_rgb(frame, round(frame.width * scale), round(frame.height * scale), scaler)
    return Picture(0, "", 0, small.to_ndarray().astype(np.uint8, copy=False))


if __name__ == "__main__":
    main()
