"""Each module of falenv imports only from those above it in one list, so there are no cycles."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest
from conftest import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The modules in the order of design.md. `commands` stands for the package and its files.
ORDER = (
    "masking",
    "errors",
    "questions",
    "paths",
    "program",
    "timed",
    "console",
    "table",
    "files",
    "segment",
    "profile",
    "pasted",
    "tomledit",
    "store",
    "links",
    "envfiles",
    "verify",
    "index",
    "editing",
    "incoming",
    "outgoing",
    "edits",
    "active",
    "environment",
    "envtext",
    "dialects",
    "assets",
    "detect",
    "origins",
    "notices",
    "sources",
    "api",
    "integration",
    "rcfiles",
    "picker",
    "official",
    "foreach",
    "fast",
    "explain",
    "listing",
    "current",
    "outcome",
    "plain",
    "newshell",
    "doctor",
    "commands.check",
    "commands.results",
    "commands.folder",
    "commands.install",
    "commands.session",
    "commands.settings",
    "commands.manage",
    "commands",
    "__main__",
    "manpages",
)
PACKAGE = REPOSITORY / "falenv"


def text(module: str) -> str:
    path = PACKAGE / module.replace(".", "/")
    return (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()


def imports(node: ast.AST) -> Iterator[str]:
    """Yield the modules of falenv that code imports, anywhere but under TYPE_CHECKING."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Import):
        for name in node.names:
            yield from within(name.name)
    elif isinstance(node, ast.ImportFrom):
        assert node.module
        assert not node.level, "an import names the whole path"
        for name in node.names:
            whole = f"{node.module}.{name.name}"
            yield from within(whole if whole.removeprefix("falenv.") in ORDER else node.module)
    for child in ast.iter_child_nodes(node):
        yield from imports(child)


def within(module: str) -> list[str]:
    return [module.removeprefix("falenv.")] if module.startswith("falenv.") else []


def test_the_list_has_every_module() -> None:
    found = {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        for path in PACKAGE.rglob("*.py")
    }
    assert found - {"__init__"} == set(ORDER)


@pytest.mark.parametrize("module", ORDER)
def test_a_module_imports_only_from_those_above_it(module: str) -> None:
    above = ORDER[: ORDER.index(module)]
    assert set(imports(ast.parse(text(module)))) - set(above) == set()


def test_a_wrong_import_would_be_found() -> None:
    code = "def f():\n    from falenv.commands import settings\n    from falenv.fast import env\n"
    assert list(imports(ast.parse(code))) == ["commands.settings", "fast"]
    hidden = "if TYPE_CHECKING:\n    from falenv import fast\n"
    assert list(imports(ast.parse(hidden))) == []
