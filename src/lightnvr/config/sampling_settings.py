"""Settings of which pictures are looked at."""

from pydantic import Field

from lightnvr.config.kinds import Section


class DetectionSettings(Section):
    """Seeing what happens in front of cameras."""

    grace_period: int = Field(
        2, ge=0, le=60, description="Seconds that an event goes on without a detection, besides the detection_interval."
    )
    threads: int = Field(
        2, ge=1, le=16, description="Threads that decode pictures for built-in motion, for all streams together."
    )
    use_sub_stream: bool = Field(
        True,
        description="Whether the sub-stream is looked at where a stream has one, which costs less CPU and one more "
        "connection to the camera.",
    )
    every_picture: str = Field(
        "",
        description="Names of streams, separated by commas, of which built-in motion looks at every picture and not "
        "only at keyframes: it sees things sooner, and all pictures have to be decoded. * is all streams.",
    )
