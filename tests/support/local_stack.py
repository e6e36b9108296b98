"""What `npm start` and `npm run example` run, on free ports: the local issuer, serverless-offline, Python."""

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

import requests


@dataclass(frozen=True)
class LocalStack:
    """What it printed until it was ready, and the process that runs it."""

    process: subprocess.Popen[str]
    printed: str
    log: "SimpleQueue[str]"
    """The lines that it prints from then on."""

    @property
    def api(self) -> str:
        return self._found(r"The API is at (\S+),")

    @property
    def issuer(self) -> str:
        return self._found(r"its issuer at (\S+)")

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
        self.process.wait(timeout=10)


def start(folder: Path, *command: str, environment: Mapping[str, str]) -> LocalStack:
    """Run a command in `folder`, and wait until the API is ready or the command gives up."""
    ports = {"API_PORT": "0", "ISSUER_PORT": "0"}
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**ports, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = process.stdout
    assert lines
    printed = ""
    for line in lines:
        printed += line
        if line.startswith("Press Ctrl-C"):
            break
    log: SimpleQueue[str] = SimpleQueue()

    def read_on() -> None:
        """If nobody read what it prints, it would stop some day and wait for that."""
        with lines:
            for line in lines:
                log.put(line)

    Thread(target=read_on).start()
    return LocalStack(process, printed, log)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
