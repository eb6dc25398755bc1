"""The README's picture is what the shells show today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driver import needs
from picture import PICTURE, picture

if TYPE_CHECKING:
    from pathlib import Path


def test_the_picture_is_current(tmp_path: Path) -> None:
    needs("zsh")
    assert PICTURE.read_text() == picture(tmp_path), "run tests/picture.py"
