"""How long the first caller waits: from the start of the deployed package's process to its first answer.

`npm run bench`. It is compared with the same package with stale bytecode, as the framework alone would make
it, and with a Node authorizer made of Auth0's libraries. They take turns, so that other load on the machine
slows all of them alike. They fetch their keys over TLS from 127.0.0.1, and each trusts its usual certificate
authorities and one more.

What is the same for all, or belongs to Lambda, is not measured: the sandbox, unpacking, AWS's runtime
clients, the network. On Lambda, a function of 256 MB has a seventh of a processor once it is initialized, so
the first invocation weighs more there than here.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile

import certifi

from benchmarks.picture import Bar, draw
from benchmarks.warm import typical_claims
from tests.support.certificates import certify
from tests.support.checkout import clean_environment, copy_project
from tests.support.environment import SETTINGS, environment
from tests.support.jwks_server import JwksServer, answer
from tests.support.packages import (
    AUTHORIZER,
    HERE,
    MAX_BYTES,
    cannot_run,
    make_packages,
    unpack,
    without_bytecode,
)
from tests.support.tokens import SigningKey, jwks, make_event, make_token

FOLDER = Path(__file__).parent
NODE = FOLDER / "node"
PICTURE = FOLDER / "cold-start.svg"
ROUNDS = 51
MIB = 2**20


@dataclass(frozen=True)
class Run:
    """One cold start, in milliseconds and MiB."""

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
    """What starts it, given a pipe to report to, and the variables that it gets."""

    command: Callable[[str], Sequence[str | Path]]
    variables: Mapping[str, str]

    def run(self, event: str) -> Run:
        reading, writing = os.pipe()
        times = [time.perf_counter()]
        process = subprocess.Popen(
            self.command(str(writing)),
            env=self.variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=(writing,),
            text=True,
        )
        os.close(writing)
        with open(reading) as report, process:
            assert process.stdin
            for said in ("up\n", "ready\n"):
                assert report.readline() == said
                times.append(time.perf_counter())
            process.stdin.write(event)
            process.stdin.close()
            answer = report.readline()
            times.append(time.perf_counter())
            memory = int(report.readline()) / 1024
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        assert json.loads(answer)["policyDocument"]["Statement"][0]["Effect"] == "Allow"
        start, init, first = (1000 * (end - begin) for begin, end in pairwise(times))
        return Run(start, init, first, 1000 * (usage.ru_utime + usage.ru_stime), memory)


def python(package: Path, variables: Mapping[str, str]) -> Contender:
    # Not the Python of .venv, which brings libraries; and what it has to compile is not kept, as on Lambda.
    interpreter = Path(sys.executable).resolve()
    return Contender(lambda pipe: [interpreter, "-I", "-B", FOLDER / "runtime.py", pipe, package], variables)


def make_stale(package: Path, folder: Path) -> Path:
    """Copy a package, and make its bytecode depend on a date that is not that of its source."""
    shutil.copytree(package, folder)
    for path in folder.rglob("*.pyc"):
        bytecode = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(bytecode[:4] + bytes(12) + bytecode[16:])
    return folder


def measure(package: Path, folder: Path) -> list[list[Run]]:
    """Return the runs of this package, of the same with stale bytecode, and of Node."""
    subprocess.run(["npm", "ci", "--ignore-scripts", "--silent"], cwd=NODE, check=True)
    keys = [SigningKey.generate("B1iH9mGRrb9dZAzgB7lJ7"), SigningKey.generate("A1iH9mGRrb9dZAzgB7lJ7")]
    event = json.dumps(make_event(make_token(keys[1], typical_claims(1))))
    tls, authority = certify(folder)
    authorities = folder / "authorities.pem"
    authorities.write_bytes(Path(certifi.where()).read_bytes() + authority.read_bytes())
    with closing(JwksServer(answer(jwks(*keys)), tls)) as issuer:
        variables = environment(
            JWKS_URI=issuer.url, REQUESTS_CA_BUNDLE=str(authorities), NODE_EXTRA_CA_CERTS=str(authority)
        )
        node = shutil.which("node") or "node"
        contenders = [
            python(package, variables),
            python(make_stale(package, folder / "stale"), variables),
            Contender(lambda pipe: [node, NODE / "runtime.js", pipe], variables),
        ]
        for contender in contenders:
            contender.run(event)  # from here on the files are in memory
        rounds = [[contender.run(event) for contender in contenders] for _ in range(ROUNDS)]
    return [list(runs) for runs in zip(*rounds, strict=True)]


def middle(runs: Sequence[Run], figure: str) -> float:
    return float(median(map(attrgetter(figure), runs)))


def ratio(runs: Sequence[Run], others: Sequence[Run], figure: str) -> float:
    """Return the median of the ratios of the two runs of each round."""
    get = attrgetter(figure)
    return float(median(get(one) / get(other) for one, other in zip(runs, others, strict=True)))


def entries(package: Path) -> Counter[str]:
    """The top level of a zip: the bytes that each entry takes in it."""
    sizes: Counter[str] = Counter()
    with ZipFile(package) as files:
        for file in files.infolist():
            sizes[file.filename.split("/")[0]] += file.compress_size
    return sizes


def node_package() -> int:
    """The bytes of the zip that the Node authorizer would be."""
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED, compresslevel=9) as files:
        for path in (NODE / "authorizer.js", *NODE.glob("node_modules/**/*")):
            files.write(path, path.relative_to(NODE))
    return buffer.tell()


def machine() -> str:
    """The class of machine, for whoever compares."""
    with open("/proc/cpuinfo") as cpuinfo:
        models = [line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")]
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    processor = models[0].replace("(R)", "") if models else platform.machine()
    return f"{os.cpu_count()} cores of {processor}; Python {platform.python_version()}, Node {node[1:]}"


def table(*rows: Sequence[str]) -> None:
    """Print rows of one length, the first of which is the head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for n, row in enumerate(rows):
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True)),
        ]
        print(f"| {' | '.join(cells)} |")
        if n == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    print()


def main() -> None:
    if reason := cannot_run():
        sys.exit(f"A cold start can't be measured here: {reason}.")
    with TemporaryDirectory() as name:
        folder = Path(name)
        clean = clean_environment(folder / "home", **SETTINGS)
        packages = {}
        for architecture in ("arm64", "x86_64"):
            checkout, parameter = copy_project(folder / architecture), f"architecture={architecture}"
            packages[architecture] = (
                make_packages(checkout, "--param", parameter, environment=clean) / AUTHORIZER
            )
        sizes = {architecture: package.stat().st_size / MIB for architecture, package in packages.items()}
        unpacked = unpack(packages[HERE], folder / "package")
        sources = len(list(unpacked.rglob("*.py")))
        valid = f"{sources - len(without_bytecode(unpacked))} of {sources}"
        contents = entries(packages["arm64"])
        ours, stale, node = measure(unpacked, folder)

    today = f"{datetime.now(UTC):%Y-%m-%d}, {machine()}"
    print(f"Cold start, median of {ROUNDS} in turns, {today}")
    print()
    table(
        ("", "this package", "stale bytecode", "Node"),
        *(
            (label, *(f"{middle(runs, figure):.1f} {unit}" for runs in (ours, stale, node)))
            for label, figure, unit in [
                ("process up", "start", "ms"),
                ("init", "init", "ms"),
                ("first invocation", "first", "ms"),
                ("cold start, in all", "total", "ms"),
                ("CPU", "cpu", "ms"),
                ("peak memory", "memory", "MiB"),
            ]
        ),
        ("package", f"{sizes[HERE]:.2f} MiB", f"{sizes[HERE]:.2f} MiB", f"{node_package() / MIB:.2f} MiB"),
    )
    table(
        ("", "measured", "target"),
        ("valid bytecode", valid, "all"),
        ("cold start, over Node's", f"{ratio(ours, node, 'total'):.2f}x", "1.15x"),
        ("cold start, over stale bytecode's", f"{ratio(ours, stale, 'total'):.2f}x", "0.55x"),
        ("first invocation, over Node's", f"{ratio(ours, node, 'first'):.2f}x", "0.20x"),
        ("peak memory, over Node's", f"{ratio(ours, node, 'memory'):.2f}x", "0.75x"),
        *(
            (f"package for {name}", f"{size:.2f} MiB", f"{MAX_BYTES / MIB:.2f} MiB")
            for name, size in sizes.items()
        ),
    )
    table(
        ("in the package for arm64", "zipped"),
        *((name, f"{size / 1024:.0f} KiB") for name, size in contents.most_common()),
    )

    bars = [
        Bar(
            name,
            [middle(runs, part) for part in ("start", "init", "first")],
            f"{middle(runs, 'total'):.0f} ms, {middle(runs, 'memory'):.0f} MiB",
        )
        for name, runs in [("this package", ours), ("with stale bytecode", stale), ("Node", node)]
    ]
    legend = ("process up", "init", "first invocation")
    PICTURE.write_text(draw("Cold start of the authorizer", legend, bars, today))
    print(f"Drawn as {PICTURE.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
