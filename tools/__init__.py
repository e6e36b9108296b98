"""What an operator runs: doctor.py before a deploy, and smoke.py after it.

examination/ is what the doctor examines.
"""

import re
import sys
from getpass import getpass

# What is copied with a token: white space, and the quotes of a command line or of JSON.
_AROUND = " \t\r\n\"'`,"
# The name of the header, or that of the member of an event, and the scheme.
_PREFIXES = (re.compile(r"(?i)^authorization(token)?[\"']?\s*:"), re.compile(r"(?i)^bearer\s+"))


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
        return getpass("Paste the token, which is not shown, and press Enter: ")
    return sys.stdin.read()
