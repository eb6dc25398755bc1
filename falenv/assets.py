"""The text of a file in shell/ or completions/."""

from __future__ import annotations

import os


def read(folder: str, name: str) -> str:
    """Return the text of `shell/NAME` or `completions/NAME`.

    In a wheel the two folders lie in `_data` beside this file; in a checkout, which an editable
    install reads live, beside the package.
    """
    here = os.path.dirname(os.path.abspath(__file__))
    data = os.path.join(here, "_data")
    root = data if os.path.isdir(data) else os.path.dirname(here)
    with open(os.path.join(root, folder, name), encoding="utf-8") as file:
        return file.read()
