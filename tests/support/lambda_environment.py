"""A Lambda environment on this machine: AWS's own runtime client runs a package, against an emulated API.

Source: AWS, "Using the Lambda runtime API for custom runtimes".
"""

import importlib.metadata
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

API = "/2018-06-01/runtime"
CLIENT = ("awslambdaric", "simplejson", "snapshot-restore-py")

# With -I and -S, only the standard library is on the path. Lambda adds the package and its client.
START = """
import sys
package, client, handler = sys.argv[1:]
sys.path[:0] = [package, client]
from awslambdaric.__main__ import main
main(["bootstrap", handler])
"""


@dataclass(frozen=True)
class Outcome:
    """What the runtime client reported for an invocation."""

    kind: str
    """`response`, or `error`, or `init/error` if the handler could not be imported."""
    body: Any


class LambdaEnvironment:
    """A cold start of `package`, a folder. `client` is an empty folder for AWS's files."""

    def __init__(self, package: Path, client: Path, variables: Mapping[str, str]) -> None:
        self._events: queue.Queue[Any] = queue.Queue()
        self._outcomes: queue.Queue[Outcome] = queue.Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._runtime_api())
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        _gather_client(client)
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", START, package, client, "handler.authorize"],
            cwd=package,
            env={
                **variables,
                "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
                "AWS_LAMBDA_FUNCTION_NAME": "authorizer",
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
                "LAMBDA_TASK_ROOT": str(package),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def invoke(self, event: object) -> Outcome:
        self._events.put(event)
        return self._outcomes.get(timeout=30)

    def close(self) -> str:
        """Stop it, and return what it printed."""
        self._process.terminate()
        printed, _ = self._process.communicate(timeout=10)
        self._events.put(None)  # ends the thread that waits for the next event
        self._server.shutdown()
        self._server.server_close()
        return printed

    def _runtime_api(self) -> type[BaseHTTPRequestHandler]:
        events, outcomes = self._events, self._outcomes

        class RuntimeApi(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                assert self.path == f"{API}/invocation/next"
                event = events.get()
                if event is None:
                    return
                body = json.dumps(event).encode()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", "request-1")
                self.send_header("Lambda-Runtime-Deadline-Ms", "9999999999999")
                self.send_header(
                    "Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:::function:authorizer"
                )
                self.send_header("Content-Type", "application/json")  # the client crashes without it
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                kind = self.path.removeprefix(f"{API}/").removeprefix("invocation/request-1/")
                outcomes.put(Outcome(kind, body))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Keep quiet."""

        return RuntimeApi


def _gather_client(folder: Path) -> None:
    """Link AWS's runtime client and its dependencies into an empty folder."""
    for distribution in map(importlib.metadata.distribution, CLIENT):
        for name in {path.parts[0] for path in distribution.files or ()}:
            if not name.endswith((".dist-info", "__pycache__", "..")):
                (folder / name).symlink_to(Path(str(distribution.locate_file(name))))
