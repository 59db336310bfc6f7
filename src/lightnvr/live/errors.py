"""Why something cannot be watched. Each text is a sentence for the one who wanted to."""


class SegmentGone(Exception):
    """There is no such segment of a live stream, or not any more."""


class CannotWatch(Exception):
    """A stream cannot be watched by this caller at this moment."""


class LiveViewOff(CannotWatch):
    """The live view of the stream is switched off, or the stream is private."""


class NotAdmitted(CannotWatch):
    """The caller was let in for another stream only."""


class CameraUnavailable(CannotWatch):
    """The camera does not send pictures now; trying again later can help."""


class NothingNew(CannotWatch):
    """The camera did not send in time what was waited for; asking again can help."""


class UnsupportedTracks(CannotWatch):
    """This way of watching cannot carry what the camera sends."""


class MalformedOffer(CannotWatch):
    """What a player offered cannot be read."""


class TooManyViewers(CannotWatch):
    """The server serves as many viewers this way as it was told to."""


class NoNetwork(CannotWatch):
    """The server cannot open the port that this way needs."""
