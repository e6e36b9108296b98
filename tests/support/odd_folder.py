"""A copy of the project in a folder whose name has what a shell or a URL would interpret."""

import os
import shutil
from pathlib import Path

from tests.support.checkout import ROOT, copy_project

NAME = 'it\'s a $clöne & "more" %20'


def copy_to_odd_folder(folder: Path) -> Path:
    """Copy the project into a folder of that name in `folder`, with its own Node tools, and return the copy.

    Node resolves links, so linked tools would run in the folder that they were installed in.
    """
    checkout = copy_project(folder / NAME)
    node_modules = checkout / "node_modules"
    node_modules.unlink()
    shutil.copytree(ROOT / "node_modules", node_modules, symlinks=True, copy_function=_link_or_copy)
    return checkout


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another file system
        shutil.copy2(source, target, follow_symlinks=False)
