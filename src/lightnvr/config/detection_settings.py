"""Settings of what looks at pictures."""

from pathlib import Path

from pydantic import Field

from lightnvr.config.kinds import Folder, Networks, Section

_MODELS = "/var/lib/lightnvr/models"


class ModelsSettings(Section):
    """Detection models."""

    path: Folder = Field(Path(_MODELS), description="Folder of the models. Default: models/ in the data folder.")


class ApiDetectionSettings(Section):
    """External detectors: programs that are asked over HTTP what is in a picture."""

    url: str = Field(
        "http://localhost:8000/detect",
        max_length=511,
        description="Address of the detector of streams whose detection_model is api-detection.",
    )
    backend: str = Field(
        "onnx",
        max_length=63,
        description="What an external detector is asked to use; onnx unless it is letters, digits, _ and -.",
    )
    networks: Networks = Field(
        "",
        description="Networks in which streams may name detectors of their own, besides this machine and private "
        "networks, separated by commas. The address in url may be anywhere.",
    )


class DetectionEngineSettings(Section):
    """Models that run within the server."""

    threads: int = Field(
        1, ge=1, le=16, description="How many threads one model may use. More of them take time from recording."
    )
