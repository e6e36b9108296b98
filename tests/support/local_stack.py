"""What `npm start` and `npm run example` run, on free ports: the local issuer, serverless-offline, Python."""

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests


@dataclass(frozen=True)
class LocalStack:
    """What it printed, and the process that runs it."""

    process: subprocess.Popen[str]
    printed: str

    @property
    def api(self) -> str:
        return self._found(r"The API is on (\S+),")

    @property
    def issuer(self) -> str:
        return self._found(r"its issuer on (\S+)")

    def _found(self, pattern: str) -> str:
        match = re.search(pattern, self.printed)
        assert match, self.printed
        return match[1]

    def token(self, scope: str, **changes: Any) -> str:
        """Return a token of the issuer. `changes` are members of the request, such as the `claims`."""
        form = {"grant_type": "client_credentials", "client_id": "test", "scope": scope} | changes
        form = {name: value if isinstance(value, str) else json.dumps(value) for name, value in form.items()}
        answer = requests.post(f"{self.issuer}oauth/token", data=form, timeout=5)
        return str(answer.json()["access_token"])

    def end(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=10)


def start(folder: Path, *command: str, environment: Mapping[str, str]) -> LocalStack:
    """Run a command in `folder`, and wait until the API is ready or the command gives up."""
    ports = {"API_PORT": "0", "ISSUER_PORT": "0"}
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=ports | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    printed = ""
    for line in process.stdout:
        printed += line
        if line.startswith("Ctrl-C ends everything"):
            break
    return LocalStack(process, printed)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
