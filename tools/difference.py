"""How two identifiers differ, in words: two issuers, two audiences, a claim and a setting."""

import re

from .untrusted_text import quoted

# Not urllib's: an identifier need not be a URL, and nothing is invalid here.
_PARTS = re.compile(
    r"(?:(?P<scheme>[^:/]*)://)?(?P<host>\[[^]]*\]|[^/:?#]*)(?::(?P<port>[0-9]+))?(?P<path>.*?)(?P<slash>/*)",
    re.DOTALL,
)


def is_same_but_for_spelling(one: str, other: str) -> bool:
    """Tell whether two identifiers differ in upper and lower case and a trailing slash, at most."""
    return one.rstrip("/").casefold() == other.rstrip("/").casefold()


def difference(setting: str, written: str, place: str, actual: str) -> str:
    """Return a sentence: how `written` in the variable `setting` differs from `actual` in `place`.

    `place` is a noun, such as "the token". The sentence is empty if the two say it themselves: if they are
    equal, or are two names and no URLs.
    """
    one, other = _parts(written), _parts(actual)
    are_urls = "://" in written and "://" in actual
    is_url_of_the_other = "://" in written + actual and one["host"].casefold() == other["host"].casefold()
    if not (are_urls or is_url_of_the_other or is_same_but_for_spelling(written, actual)):
        return ""
    differing = [name for name in one if one[name].casefold() != other[name].casefold()]
    found = [
        f"the {name} ({_shown(one[name])} in {setting}, {_shown(other[name])} in {place})"
        for name in differing
        if name != "slash"
    ]
    if any(one[name] != other[name] for name in one if name not in differing):
        found.append("upper and lower case")
    if "slash" in differing:
        longer = setting if len(one["slash"]) > len(other["slash"]) else place
        found.append(f"the trailing slash (only {longer} has it)")
    return f"They differ in {' and in '.join(found)}." if found else ""


def _parts(identifier: str) -> dict[str, str]:
    match = _PARTS.fullmatch(identifier)
    return match.groupdict(default="") if match else {}  # it matches every string


def _shown(part: str) -> str:
    return quoted(part) if part else "none"
