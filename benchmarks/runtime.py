"""A Lambda runtime of a few lines: python -I runtime.py PIPE PACKAGE

It says that it is up, imports the handler and says so, takes one event from the standard input, and
gives the answer, and the most memory that it ever had (in KiB). Then it is gone at once, as a Lambda
environment never ends in an orderly way.
"""

import json
import os
import signal
import sys

pipe, package = int(sys.argv[1]), sys.argv[2]


def tell(line: str) -> None:
    os.write(pipe, f"{line}\n".encode())


tell("up")
# The package is all there is beside Python's own library.
sys.path[:] = [package, *(path for path in sys.path[1:] if not path.endswith("-packages"))]

from handler import authorize  # noqa: E402 - this is what is measured

tell("ready")
tell(json.dumps(authorize(json.loads(sys.stdin.read()), None)))
with open("/proc/self/status") as status:
    tell(next(line.split()[1] for line in status if line.startswith("VmHWM:")))
os.kill(os.getpid(), signal.SIGKILL)
