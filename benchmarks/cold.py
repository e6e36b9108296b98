"""How long the first caller waits: the package that is deployed, from the start of its process to its answer.

`npm run bench`. Beside it stand the same package with stale bytecode, as it is with pip's in the
framework's zips, and an authorizer in Node, made of Auth0's libraries. All of them run in turns, so that what
else the machine does slows all, and get their keys over TLS from 127.0.0.1. Each trusts its usual
authorities and one more.

Left out is what is the same for all, or Lambda's own: the sandbox, the unpacking, AWS's runtime clients
and the way to the issuer; and the share of a processor that a function of 256 MB has (about a seventh).
Whatever follows init runs on that share, so the first invocation weighs more on Lambda than here.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree
from statistics import median
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile

import certifi

from benchmarks.certificates import certify
from benchmarks.picture import Bar, draw
from benchmarks.warm import typical_claims
from tests.conftest import environment
from tests.gateway import Issuer
from tests.issuer import SigningKey, jwks, make_event, make_token
from tests.packages import AUTHORIZER, HERE, MAX_BYTES, build, cannot_run, unpack, without_bytecode

FOLDER = Path(__file__).parent
NODE = FOLDER / "node"
ROUNDS = 51


@dataclass(frozen=True)
class Run:
    """One cold start. Seconds, and bytes."""

    start: float
    """Until the runtime itself is up."""
    init: float
    """Until the handler is imported."""
    first: float
    """From the first event to its answer."""
    cpu: float
    memory: float
    """The most that it ever had."""

    @property
    def total(self) -> float:
        return self.start + self.init + self.first


@dataclass(frozen=True)
class Contender:
    name: str
    command: Callable[[int], Sequence[str | Path]]
    """What starts it, given a pipe to report to."""
    variables: Mapping[str, str]

    def run(self, event: str) -> Run:
        reading, writing = os.pipe()
        began = time.perf_counter()
        process = subprocess.Popen(
            self.command(writing),
            env=self.variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=(writing,),
            text=True,
        )
        os.close(writing)
        with open(reading) as report, process:
            assert process.stdin
            report.readline()
            up = time.perf_counter()
            report.readline()
            ready = time.perf_counter()
            process.stdin.write(event)
            process.stdin.close()
            answer = report.readline()
            answered = time.perf_counter()
            memory = int(report.readline()) * 1024
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        assert json.loads(answer)["policyDocument"]["Statement"][0]["Effect"] == "Allow"
        return Run(up - began, ready - up, answered - ready, usage.ru_utime + usage.ru_stime, memory)


def make_stale(package: Path, folder: Path) -> Path:
    """Copy a package, with bytecode that goes by a date which is not that of its source."""
    copytree(package, folder)
    for path in folder.rglob("*.pyc"):
        bytecode = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(bytecode[:4] + bytes(12) + bytecode[16:])
    return folder


def python(name: str, package: Path, variables: Mapping[str, str]) -> Contender:
    # Not that of .venv, which brings libraries; and whatever has to be compiled is not kept, as on Lambda.
    interpreter = Path(sys.executable).resolve()
    return Contender(
        name, lambda pipe: [interpreter, "-I", "-B", FOLDER / "runtime.py", str(pipe), package], variables
    )


def main() -> None:
    if reason := cannot_run():
        sys.exit(f"This benchmark runs the package, and {reason}.")
    with TemporaryDirectory() as name:
        folder = Path(name)
        sizes = {}
        for architecture in ("arm64", "x86_64"):
            build(folder / architecture, architecture)
            sizes[architecture] = (folder / architecture / AUTHORIZER).stat().st_size
        package = unpack(folder / HERE / AUTHORIZER, folder / "package")
        stale = make_stale(package, folder / "stale")
        subprocess.run(["npm", "ci", "--ignore-scripts", "--silent"], cwd=NODE, check=True)

        key, another = SigningKey.generate("A1iH9mGRrb9dZAzgB7lJ7"), SigningKey.generate("B1iH9mGRrb9dZAzgB7lJ7")
        event = json.dumps(make_event(make_token(key, typical_claims(1))))
        tls, authority = certify(folder)
        authorities = folder / "authorities.pem"
        authorities.write_bytes(Path(certifi.where()).read_bytes() + authority.read_bytes())
        with closing(Issuer(jwks(another, key), tls)) as issuer:
            variables = environment(
                JWKS_URI=issuer.url, REQUESTS_CA_BUNDLE=str(authorities), NODE_EXTRA_CA_CERTS=str(authority)
            )
            contenders = [
                python("this package", package, variables),
                python("with stale bytecode", stale, variables),
                Contender("Node", lambda pipe: ["node", NODE / "runtime.js", str(pipe)], variables),
            ]
            for contender in contenders:
                contender.run(event)  # from here on the files are in memory
            rounds = [[contender.run(event) for contender in contenders] for _ in range(ROUNDS)]
        valid = without_bytecode(package)
        print(valid, sizes)
        for n, c in enumerate(contenders):
            print(c.name, [round(median(getattr(r[n], f.name) for r in rounds)*1000,1) for f in fields(Run)], round(median(r[n].total for r in rounds)*1000,1))


if __name__ == "__main__":
    main()
