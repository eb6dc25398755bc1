"""The man pages, made from the declarations of the commands. hatchling calls this for a wheel."""

from __future__ import annotations

import inspect
import os
import sys
import tempfile
import time
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.builders.utils import get_reproducible_timestamp

#: click takes this for the mark of a paragraph that keeps its lines.
_KEEP_LINES = "\b"


class ManPages(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own, without a value
    """Adds share/man/man1/fal-profile-*.1 to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the pages, and name them in `build_data`. An editable install has none."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from click_man.core import write_man_pages

        from falenv.commands import profile

        for command in (profile, *profile.commands.values()):
            text = inspect.cleandoc(command.help or "")
            command.short_help = text.partition("\n\n")[0].replace("\n", " ").rstrip(".")
            command.help = _as_roff(text)
        self.folder = tempfile.TemporaryDirectory()
        date = time.strftime("%Y-%m-%d", time.gmtime(get_reproducible_timestamp()))
        write_man_pages(
            "fal profile",
            profile,
            version=self.metadata.version,
            target_dir=self.folder.name,
            date=date,
        )
        for name in sorted(os.listdir(self.folder.name)):
            page = os.path.join(self.folder.name, name)
            with open(page, encoding="utf-8") as file:
                # click-man takes the words of a command for the name of its page.
                text = file.read().replace(r"\fBfal profile-", r"\fBfal-profile-")
            with open(page, "w", encoding="utf-8") as file:
                file.write(text)
            build_data["shared_data"][page] = f"share/man/man1/{name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the pages, which are in the wheel now."""
        del build_data, artifact_path
        if version != "editable":
            self.folder.cleanup()


def _as_roff(text: str) -> str:
    """Return the help of a command as the text of a man page: escaped, kept lines kept."""
    paragraphs = []
    for paragraph in text.replace("\\", r"\e").split("\n\n"):
        lines = [f"\\&{line}" if line[:1] in {".", "'"} else line for line in paragraph.split("\n")]
        if lines[0].strip() == _KEEP_LINES:
            lines = [".nf", *lines[1:], ".fi"]
        paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)
