"""What an operator runs before and after a deploy: doctor.py and smoke.py."""

import sys


def given_token(argument: str) -> str:
    """Return the token that an option names: itself, or for `-` what standard input has."""
    return sys.stdin.read().strip() if argument == "-" else argument
