"""Schemathesis calls every operation of the OpenAPI document with what it allows and with what it does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.api import schemathesis_hooks
from tests.integration.api.running import running_api

_COMMAND = Path(sys.executable).with_name("schemathesis")
_ROOT = Path(__file__).parents[3]
_EXCLUDED = (
    "positive_data_acceptance",  # what an address of a camera or a free name is cannot be said in a schema
    "allow_header_conformance",  # /api/streams/test is an address of its own and that of a stream named test
    "ignored_auth",  # a wrong credential beside a right one of another kind is let in, as documented; see test_roles
)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("user", "examples"), [("admin", 20), ("watcher", 5), (None, 5)])
def test_every_answer_is_declared_and_none_is_a_500(tmp_path: Path, user: str | None, examples: int) -> None:
    with running_api(tmp_path, max_streams=256) as api:
        with api.client() as client:
            client.post("/api/streams", json={"name": "Front Door", "url": "rtsp://u:p@192.0.2.1/x"})
        for _ in range(5):
            api.recordings.add("Front Door", b"0123456789" * 100)
        command = [
            str(_COMMAND),
            "run",
            f"{api.url}/api/openapi.json",
            f"--max-examples={examples}",
            "--checks=all",
            f"--exclude-checks={','.join(_EXCLUDED)}",
            # A new key for the caller would end the one that all other calls are made with.
            "--exclude-path=/api/auth/users/{id}/api-key",
            # An answer without end.
            "--exclude-path=/api/events/stream",
            "--generation-deterministic",
            # The caller's own key lets in whatever other credential is beside it; all kinds are tested in
            # test_permissions.
            "--generation-with-security-parameters=false",
            "--request-timeout=20",
            "--no-color",
            *([f"--header=X-API-Key: {api.keys[user]}"] if user else []),
        ]
        hooks = {"SCHEMATHESIS_HOOKS": schemathesis_hooks.__name__, "PYTHONPATH": str(_ROOT)}
        result = subprocess.run(
            command,
            cwd=tmp_path,
            env=os.environ | hooks,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
    assert result.returncode == 0, result.stdout + result.stderr
