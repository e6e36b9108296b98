"""Text from the network, from a token or from another program, made safe to print.

A line break or an escape sequence in such text can be a command: to a terminal, or to a CI runner. GitHub's
runner obeys lines that begin with `::`, and `##[` anywhere in a line (actions/runner, ActionCommand.cs); that
of Azure Pipelines obeys `##vso[`.
"""

import re
from reprlib import Repr

MAX_LENGTH = 300  # characters of one quoted value

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 200
_SHORT.maxlong = 40


def quoted(value: object) -> str:
    """Return `value` as a Python literal in printable ASCII, shortened to MAX_LENGTH characters."""
    literal = one_line(_SHORT.repr(value))
    return literal if len(literal) <= MAX_LENGTH else f"{literal[: MAX_LENGTH - 3]}..."


def one_line(text: str) -> str:
    """Return `text` in printable ASCII, with everything else escaped, and with no `##` in it."""
    escaped = re.sub(r"[^ -~]", lambda match: match[0].encode("unicode_escape").decode(), text)
    return escaped.replace("##", r"#\x23")
