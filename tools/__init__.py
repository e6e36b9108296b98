"""What an operator runs: doctor.py before a deploy, and smoke.py after it.

examination/ is what the doctor examines.
"""

import os
import re
import sys
from getpass import getpass

try:
    import termios
except ImportError:  # Windows, where no line is cut
    termios = None  # type: ignore[assignment]

# What is copied with a token: white space, and the quotes of a command line or of JSON.
_AROUND = " \t\r\n\"'`,"
# The name of the header, or that of the member of an event, and the scheme.
_PREFIXES = (re.compile(r"(?i)^authorization(token)?[\"']?\s*:"), re.compile(r"(?i)^bearer\s+"))

_LOCAL_MODES = 3  # the index in what tcgetattr returns
_END_OF_LINE = re.compile(rb"[\r\n\x04]")  # Enter, or Ctrl-D


def given_token(argument: str) -> str:
    """Return the token that an option names: itself, or for `-` what standard input has.

    It may come with its scheme, or as a whole header: `Authorization: Bearer eyJ...`.
    """
    if argument == "-":
        argument = _standard_input()
    token = argument.strip(_AROUND)
    for prefix in _PREFIXES:
        token = prefix.sub("", token).strip(_AROUND)
    return token


def _standard_input() -> str:
    if sys.stdin.isatty():
        return _pasted("Paste the token, which is not shown, and press Enter: ")
    return sys.stdin.read()


def _pasted(prompt: str) -> str:
    """Read a line from the terminal, however long, and do not show it.

    A terminal that edits lines, as for getpass, cuts them after 4095 characters (termios(3)). Tokens may have
    more; so nothing but the end of the line is obeyed here.
    """
    if termios is None:
        return getpass(prompt)
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    changed = termios.tcgetattr(terminal)
    changed[_LOCAL_MODES] &= ~(termios.ECHO | termios.ICANON)
    octets = b""
    try:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, changed)
        print(prompt, end="", file=sys.stderr, flush=True)
        while not _END_OF_LINE.search(octets) and (more := os.read(terminal, 4096)):
            octets += more
    finally:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
        print(file=sys.stderr)
    return _END_OF_LINE.split(octets)[0].decode(errors="replace")
