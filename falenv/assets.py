"""Find and read the files in shell/ and completions/."""

from __future__ import annotations

import os


def path(folder: str, name: str) -> str:
    """Return the path of `shell/NAME` or `completions/NAME`.

    A wheel has both folders in `_data`, beside this file. A checkout has them beside the package,
    and an editable install uses them from there.
    """
    here = os.path.dirname(os.path.abspath(__file__))
    data = os.path.join(here, "_data")
    root = data if os.path.isdir(data) else os.path.dirname(here)
    return os.path.join(root, folder, name)


def edited() -> list[str]:
    """Return the files of a checkout that a developer may edit; an empty list for a wheel."""
    here = os.path.dirname(os.path.abspath(__file__))
    if os.path.isdir(os.path.join(here, "_data")):
        return []
    found = []
    for folder, end in ((here, ".py"), (path("shell", ""), ""), (path("completions", ""), "")):
        names = os.listdir(folder)
        found += [
            os.path.join(folder, name)
            for name in names
            if name.endswith(end) and not name.startswith(".")
        ]
    return found


def read(folder: str, name: str) -> str:
    """Return the text of `shell/NAME` or `completions/NAME`."""
    with open(path(folder, name), encoding="utf-8") as file:
        return file.read()
