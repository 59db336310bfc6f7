"""The reference: ffmpeg, one process for each camera, that copies what comes into MP4."""

import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PLAIN = ("-f", "mp4")
FRAGMENTED = (
    *("-f", "mp4", "-movflags", "frag_keyframe+empty_moov+default_base_moof"),
    *("-frag_duration", "500000", "-flush_packets", "1"),
)


@dataclass(frozen=True, slots=True)
class Recorders:
    """The processes, and the file that each writes, in the order of the cameras."""

    processes: tuple[subprocess.Popen[bytes], ...]
    files: tuple[Path, ...]

    @property
    def pids(self) -> list[int]:
        """Their ids."""
        return [process.pid for process in self.processes]

    def stop(self, how: signal.Signals) -> None:
        """End all of them and wait until they have."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(how)
        for process in self.processes:
            process.wait()


def segmented(segment_s: int) -> tuple[str, ...]:
    """Return options for files of so many seconds; the name must hold %03d."""
    return ("-f", "segment", "-segment_time", str(segment_s), "-reset_timestamps", "1")


@contextmanager
def ffmpeg_recorders(
    urls: Sequence[str], folder: Path, options: Sequence[str] = FRAGMENTED, *, name: str = "{}.mp4"
) -> Iterator[Recorders]:
    """Record every address into `folder` until the context is left, or `stop` is called before."""
    folder.mkdir(parents=True)
    files = tuple(folder / name.format(index) for index in range(len(urls)))
    running: list[subprocess.Popen[bytes]] = []
    recorders = None
    try:
        with (folder / "ffmpeg.log").open("wb") as log:
            for url, file in zip(urls, files, strict=True):
                command = ["ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", "tcp", "-i", url, "-c", "copy"]
                running.append(
                    subprocess.Popen([*command, *options, str(file)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
                )
        recorders = Recorders(tuple(running), files)
        yield recorders
    finally:
        Recorders(tuple(running), files).stop(signal.SIGKILL)
