"""What an operator runs before and after a deploy: doctor.py and smoke.py."""

import sys
from getpass import getpass


def given_token(argument: str) -> str:
    """Return the token that an option names: itself, or for `-` what standard input has."""
    if argument != "-":
        return argument
    if sys.stdin.isatty():
        return getpass("Paste the token, which is not shown, and press Enter: ").strip()
    return sys.stdin.read().strip()
