"""What is handed out works without the source tree."""

import configparser
import shutil
import signal
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.server_process import ServerProcess

ROOT = Path(__file__).parents[2]
_PACKAGE = ROOT / "src" / "lightnvr"


def _pip(*words: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words]
    subprocess.run(command, check=True, capture_output=True, text=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this source tree."""
    folder = tmp_path_factory.mktemp("dist")
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (made,) = folder.glob("lightnvr-*.whl")
    return made


def test_everything_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    files = {path.relative_to(_PACKAGE.parent).as_posix() for path in _PACKAGE.rglob("*") if path.is_file()}
    assert {name for name in files if "__pycache__" not in name} - inside == set()
    assert [name for name in inside if name.startswith("lightnvr/db/migrations/versions/0001")]
    assert [name for name in inside if not name.startswith(("lightnvr/", "lightnvr-"))] == []


def test_what_was_installed_from_the_wheel_serves(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    _pip("--python", python, "install", "--no-deps", wheel)
    # What it depends on is taken from here. A folder named in a .pth file does not bring its own .pth files along, so
    # the source tree stays out.
    (site,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    where = subprocess.run(
        [python, "-c", "import lightnvr; print(lightnvr.__file__)"], check=True, capture_output=True, text=True
    )
    assert where.stdout.startswith(str(tmp_path))
    with ServerProcess([python.with_name("lightnvr"), "serve"], tmp_path) as server:
        with server.client() as client:
            assert client.get("/api/streams").raise_for_status().json() == {"streams": []}
            assert "<html" in client.get("/").raise_for_status().text
            assert client.get("/app.js").is_success
            assert client.post("/api/system/backup").is_success
        assert server.stop(signal.SIGTERM) == 0


def test_the_unit_of_systemd_is_one() -> None:
    path = ROOT / "packaging" / "lightnvr.service"
    unit = configparser.ConfigParser(interpolation=None, strict=True)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(path.read_text())
    assert unit["Service"]["Restart"] == "on-failure"
    assert unit["Service"]["ExecStart"].split()[1:3] == ["serve", "--data-dir"]
    if shutil.which("systemd-analyze"):
        checked = subprocess.run(
            ["systemd-analyze", "verify", path], capture_output=True, text=True, check=False
        ).stderr
        # The command itself is not installed here.
        assert [line for line in checked.splitlines() if "Unknown" in line or "Failed to parse" in line] == []
