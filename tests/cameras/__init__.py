"""Cameras for tests: real RTSP, RTMP and HTTP servers on loopback, each with the faults a test asks for.

>>> async with camera() as cam:
...     av.open(cam.url)
>>> with in_thread(lambda: camera(film("hevc", "aac"), flood=True)) as cam:
...     cam.do(lambda c: c.drop_connections())
"""

from lightnvr.demo.numbering import frame_number
from tests.cameras.films import film
from tests.cameras.http import HttpCamera, http_camera
from tests.cameras.rtmp import RtmpCamera, rtmp_camera
from tests.cameras.rtsp import RtspCamera, camera
from tests.cameras.threaded import InThread, in_thread

__all__ = [
    "HttpCamera",
    "InThread",
    "RtmpCamera",
    "RtspCamera",
    "camera",
    "film",
    "frame_number",
    "http_camera",
    "in_thread",
    "rtmp_camera",
]
