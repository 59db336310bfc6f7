"""What was measured on."""

import os
import platform
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import lightnvr

# PyAV is loaded in a process of its own: libraries that a benchmark has loaded too would count less as PSS.
_PYAV_FFMPEG = "import av; print(av.ffmpeg_version_info)"


def describe_machine() -> str:
    """Return one line with processor, memory, and the versions of what takes part."""
    about = (
        f"{os.cpu_count()} × {_processor()}",
        f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB",
        f"Linux {platform.release()}",
        f"Python {platform.python_version()}",
        f"LightNVR {lightnvr.__version__}",
        f"PyAV {version('av')} with FFmpeg {_output(sys.executable, '-c', _PYAV_FFMPEG)}",
        f"reference: ffmpeg {_ffmpeg()}",
    )
    return "; ".join(about)


def _processor() -> str:
    names = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return names[0] if names else platform.machine()


def _ffmpeg() -> str:
    try:
        return _output("ffmpeg", "-version").split()[2]
    except FileNotFoundError:
        return "not installed"


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
