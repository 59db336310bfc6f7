"""A detector at work on one stream: where its pictures come from, and when it is given a rest after failures."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lightnvr.detection.detector import Found, Picture
from lightnvr.detection.detectors import Lent
from lightnvr.detection.eye import Eye
from lightnvr.detection.lookers import Lookers, Lookout
from lightnvr.detection.plan import DetectionPlan, Looks, Scene
from lightnvr.detection.sampler import KeyframeSampler, PictureSampler, Sampler
from lightnvr.events.edges import Origin
from lightnvr.media.gop import LATEST
from lightnvr.media.hub import Hub

_BATCH_S = 0.5
"""Samples may come as late as recordings do: then looking at keyframes wakes nobody."""

_SILENT_S = 15.0
"""A sub-stream that sends nothing for so long is not waited for: the main stream is looked at."""

_SHORTEST_GAP_S = 1.0
"""Built-in motion looks at every keyframe, but at no more than one a second: with some codecs each picture is one."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 10.0


@dataclass(frozen=True, slots=True)
class Equipment:
    """A detector that was lent, and the threads that look with it."""

    lent: Lent
    lookers: Lookers


class Looking:
    """From `begin` to `end`. Belongs to the event loop; results come by other threads, also a last one after `end`."""

    def __init__(
        self,
        plan: DetectionPlan,
        scene: Scene,
        equipment: Equipment,
        wall_us: Callable[[int], int],
        seen: Callable[[Picture, Sequence[Found]], None],
        failed: Callable[[str], None],
    ) -> None:
        self.plan = plan
        self.equipment = equipment
        self._scene = scene
        self._again_at = 0.0
        self._pause_s = _FIRST_PAUSE_S
        self._hub: Hub | None = None
        self._has_small = False
        self._silent_since = 0.0
        every_picture = plan.looks is Looks.EVERY_PICTURE
        eye = Eye(plan.stream_id, plan.stream_name, equipment.lent.detector, wall_us, every_picture=every_picture)
        self._sampler: Sampler
        if every_picture:
            self._sampler = PictureSampler(self._wake)
        else:
            interval_s = _SHORTEST_GAP_S if self.origin is Origin.MOTION else plan.interval_s
            self._sampler = KeyframeSampler(interval_s, self._wake)
        self._lookout = Lookout(plan.stream_id, eye, self._sampler, seen, failed)

    @property
    def origin(self) -> Origin:
        """What raises the edges."""
        return self.equipment.lent.origin

    @property
    def samples(self) -> int:
        """How many pictures there were to look at."""
        return self._sampler.came

    @property
    def dropped(self) -> int:
        """How many of them were not looked at, because there was no time."""
        return self._sampler.dropped

    def begin(self) -> None:
        """Take pictures from now on."""
        self._choose()

    def check(self) -> None:
        """Change between the sub-stream and the main stream, if need be; to be called now and then."""
        self._choose()

    def end(self) -> None:
        """Take no more pictures, at once."""
        self._attach(None)
        if self._has_small:
            self._has_small = False
            self._scene.release_small()

    def leave(self) -> None:
        """After the end: wait until nobody looks any more, and have the stream forgotten. May take seconds."""
        self.equipment.lookers.leave(self._lookout)

    def succeeded(self) -> None:
        """Say that the detector works."""
        self._pause_s = _FIRST_PAUSE_S

    def rest(self) -> None:
        """Give the detector a rest, longer each time that it fails again."""
        self._again_at = time.monotonic() + self._pause_s
        self._pause_s = min(_LONGEST_PAUSE_S, self._pause_s * 2)

    def _wake(self) -> None:
        if time.monotonic() >= self._again_at:
            self.equipment.lookers.wake(self._lookout)

    def _choose(self) -> None:
        small = self._scene.small
        if small is None:
            self._attach(self._scene.hub)
            return
        if not self._has_small:
            self._has_small = True
            self._scene.acquire_small()
            self._silent_since = time.monotonic()
        if small.tracks:
            self._silent_since = time.monotonic()
        is_silent = time.monotonic() - self._silent_since > _SILENT_S
        self._attach(self._scene.hub if is_silent else small)

    def _attach(self, hub: Hub | None) -> None:
        if hub is self._hub:
            return
        if self._hub is not None:
            self._hub.detach(self._sampler)
        self._hub = hub
        if hub is not None:
            hub.attach(self._sampler, since=LATEST if self._sampler.prompt else None, longest_rest_s=_BATCH_S)
