"""What a stream can name as its detector, and why something of it cannot be used."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

from lightnvr.detection.labels import label_files
from lightnvr.detection.models_folder import RUN, ModelFile, ModelsFolder, UnusableModel, why_not

RUNNERS = ("onnxruntime", "ai_edge_litert")
"""Packages that run models, each an extra."""

_NO_FOLDER = "Models directory does not exist"


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One choice. `id` is what a stream names; `size` in bytes and for files only; `reason` is empty when it works."""

    id: str
    name: str
    kind: str
    reason: str = ""
    description: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True)
class ModelListing:
    """All choices. `message` says what is wrong with the folder; `runs` gives those of `RUNNERS` that are installed."""

    models: Sequence[ListedModel]
    runs: frozenset[str]
    message: str = ""


_OTHERS = (
    ListedModel("motion", "Built-in Motion Detection", "builtin", description="Compares pictures; needs no model."),
    ListedModel(
        "api-detection",
        "API Detection (light-object-detect)",
        "api",
        description="Asks the program at api_detection_url over HTTP.",
    ),
    ListedModel(
        "onvif",
        "ONVIF Motion Events",
        "onvif",
        reason="Events of ONVIF cameras are not taken yet.",
        description="Takes events of the camera itself.",
    ),
)


class ModelList:
    """Lists the models folder. Each file is tried once, and again when it or its labels were changed. Thread-safe."""

    def __init__(self, folder: ModelsFolder) -> None:
        self._folder = folder
        self._reasons: dict[Path, tuple[object, str]] = {}
        self._lock = Lock()

    def listing(self) -> ModelListing:
        """Return what there is. Trying models takes up to seconds each: not for the event loop."""
        runs = frozenset(package for package in RUNNERS if find_spec(package) is not None)
        try:
            files = self._folder.files()
        except FileNotFoundError:
            return ModelListing(_OTHERS, runs, _NO_FOLDER)
        except OSError as error:
            return ModelListing(_OTHERS, runs, f"The models folder cannot be read: {error.strerror}")
        with self._lock:
            self._reasons = {file.path: self._tried(file) for file in files}
            models = [
                ListedModel(str(file.path), file.path.name, file.kind, self._reasons[file.path][1], size=file.size)
                for file in files
            ]
        return ModelListing((*_OTHERS, *models), runs)

    def _tried(self, file: ModelFile) -> tuple[object, str]:
        state = (file.size, file.changed_ns, tuple(_changed_ns(path) for path in label_files(file.path)))
        known = self._reasons.get(file.path)
        return known if known is not None and known[0] == state else (state, _reason(file))


def _reason(file: ModelFile) -> str:
    if file.kind not in RUN:
        return why_not(file.kind)
    # Loaded late: it needs NumPy, which takes memory, and most installations have no model.
    from lightnvr.detection.model_loading import load_model  # noqa: PLC0415

    try:
        load_model(file.path, 1)
    except UnusableModel as error:
        return str(error)
    return ""


def _changed_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
