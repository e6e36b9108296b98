"""This file is claims that nobody can change: what the functions of rules.py get."""

from collections.abc import Mapping
from typing import Any, NoReturn


def read_only(claims: Mapping[str, Any]) -> "ReadOnlyDict":
    """Return a copy of `claims` that can't be changed at any depth.

    Its objects and lists are still `dict` and `list`, and equal to ordinary ones. So a function that works in
    a unit test, with ordinary ones, works here. Not recursive: a token may nest deeper than Python's stack.
    """
    copy = ReadOnlyDict(claims)
    containers: list[ReadOnlyDict | ReadOnlyList] = [copy]
    for container in containers:  # grows while it is walked through
        if isinstance(container, dict):
            for name, value in container.items():
                if isinstance(value, dict | list):
                    dict.__setitem__(container, name, _shallow_copy(value, containers))
        else:
            for number, value in enumerate(container):
                if isinstance(value, dict | list):
                    list.__setitem__(container, number, _shallow_copy(value, containers))
    return copy


def _shallow_copy(
    value: dict[str, Any] | list[Any], containers: "list[ReadOnlyDict | ReadOnlyList]"
) -> "ReadOnlyDict | ReadOnlyList":
    copy = ReadOnlyDict(value) if isinstance(value, dict) else ReadOnlyList(value)
    containers.append(copy)
    return copy


def _reject(*_: object, **__: object) -> NoReturn:
    raise TypeError("claims are read-only: change a copy instead")


class ReadOnlyDict(dict[str, Any]):
    """A JSON object that can't be changed."""

    __setitem__ = __delitem__ = __ior__ = _reject
    clear = pop = popitem = setdefault = update = _reject


class ReadOnlyList(list[Any]):
    """A JSON array that can't be changed."""

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _reject
    append = clear = extend = insert = pop = remove = reverse = sort = _reject
