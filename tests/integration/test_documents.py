"""What the README and the other documents say is true: their commands run, their links lead somewhere."""

import re
import signal
import subprocess
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.rig.waiting import until
from tests.server_process import COMMAND, ServerProcess
from tools.permissions_document import permissions_document
from tools.settings_document import settings_document

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def commands(text: str) -> list[str]:
    """The lines of the shell blocks of a document."""
    blocks: list[str] = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line and not line.startswith("#")]


def test_the_readme_shows_these_commands_first() -> None:
    assert commands(README) == ["make demo", "make test", "make setup", ".venv/bin/lightnvr serve"]


@pytest.mark.parametrize(
    "target", sorted(set(re.findall(r"\bmake ([a-z]+)\b(?=`)", " ".join(p.read_text() for p in DOCUMENTS))))
)
def test_every_make_target_that_is_mentioned_exists(target: str) -> None:
    dry_run = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)

    assert dry_run.returncode == 0, dry_run.stderr


def test_make_help_names_the_targets_of_the_readme() -> None:
    printed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    for target in ("setup", "demo", "test", "lint", "bench"):
        assert f"make {target} " in printed


def test_make_demo_records_four_cameras_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    with ServerProcess(["make", "-C", ROOT, "demo"], tmp_path) as demo:
        with demo.client() as client:
            until(lambda: _recording(client) == 4, "four cameras are recorded")
        demo.stop(signal.SIGINT)

    assert demo.url in demo.output.replace("localhost", "127.0.0.1")
    assert "Traceback" not in demo.output


def test_the_demo_goes_on_where_it_left_off(tmp_path: Path) -> None:
    seen: list[dict[str, object]] = []
    for expected in (4, 8):
        with ServerProcess([COMMAND, "demo"], tmp_path) as demo:
            with demo.client() as client:
                until(lambda: _recording(client) == 4, "four cameras are recorded")
                listed = client.get("/api/recordings", params={"limit": "all", "order": "asc"}).json()["recordings"]
                ids = {recording["id"] for recording in listed if recording["complete"]}
                assert {recording["id"] for recording in seen} <= ids
                until(partial(_lists, client, expected), "a new recording of each is listed")
                seen = client.get("/api/recordings", params={"limit": "all", "order": "asc"}).json()["recordings"]
            assert demo.stop(signal.SIGINT) == 0
        assert "Traceback" not in demo.output
        assert "every recording is finished" in demo.output


def _recording(client: httpx.Client) -> int:
    streams = client.get("/api/streams").raise_for_status().json()["streams"]
    return sum(stream["recording"] == "recording" for stream in streams)


def _lists(client: httpx.Client, count: int) -> bool:
    total: int = client.get("/api/recordings").raise_for_status().json()["pagination"]["total"]
    return total >= count


def test_lightnvr_serve_runs_and_ends_well(tmp_path: Path) -> None:
    with ServerProcess([COMMAND, "serve"], tmp_path) as server:
        with server.client() as client:
            assert client.get("/api/streams").raise_for_status().json() == {"streams": []}
        status = server.stop(signal.SIGTERM)

    assert status == 0


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file(document: Path) -> None:
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text()) if "://" not in link]

    assert [link for link in links if link and not (document.parent / link).exists()] == []


def test_the_settings_page_describes_the_settings_there_are() -> None:
    assert (ROOT / "docs/settings.md").read_text() == settings_document(), "make docs writes it again"


def test_the_permissions_page_describes_what_the_server_does() -> None:
    assert (ROOT / "docs/permissions.md").read_text() == permissions_document(), "make docs writes it again"
