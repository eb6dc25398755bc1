"""The text of a file in shell/ or completions/."""

from __future__ import annotations

import os


def path(folder: str, name: str) -> str:
    """Return where `shell/NAME` or `completions/NAME` is.

    In a wheel the two folders lie in `_data` beside this file; in a checkout, which an editable
    install reads live, beside the package.
    """
    here = os.path.dirname(os.path.abspath(__file__))
    data = os.path.join(here, "_data")
    root = data if os.path.isdir(data) else os.path.dirname(here)
    return os.path.join(root, folder, name)


def read(folder: str, name: str) -> str:
    """Return the text of `shell/NAME` or `completions/NAME`."""
    with open(path(folder, name), encoding="utf-8") as file:
        return file.read()
