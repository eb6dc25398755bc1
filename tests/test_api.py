"""`import falenv` in a script or a notebook: the functions, with the real fal_client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS, REPOSITORY

import falenv

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Home

SCRIPT = """\
import json, os, falenv, fal_client.auth
def account():
    return fal_client.auth.fetch_auth_credentials().header_value
said = [account()]
for name in ("b", "a", None):
    said += [falenv.use(name), account(), os.environ.get("FAL_HOST")]
for name in ("no", "c", "odd"):
    try:
        falenv.use(name)
    except falenv.FalenvError as error:
        said.append(str(error))
said += [account(), falenv.key("b"), falenv.profiles(), os.environ.get("FAL_KEY_ID")]
print(json.dumps(said))
"""


def test_use_is_what_fal_client_sees_from_then_on(home: Home, official: Path) -> None:
    home.write(
        f'[__internal__]\nprofile = "a"\n[a]\nkey = "{KEYS["a"]}"\nhost = "api.fal.ai"\n'
        f'[b]\nkey = "{KEYS["b"]}"\n[c]\n[odd]\nkey = 1\n'
    )
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    done = home.run(
        str(official / "python"), "-c", SCRIPT, PYTHONPATH=f"{REPOSITORY}:{packages}",
        FAL_KEY_ID="i", FAL_KEY_SECRET="s",
    )  # fmt: skip
    assert done.stderr == ""
    create = "to create it as the default: fal profile create no"
    cure = 'write it as key = "ID:SECRET", or run: fal profile key odd'
    # b has no host, but the default has one, which the official code would use.
    assert json.loads(done.stdout) == [
        "Key i:s",
        "b", f"Key {KEYS['b']}", "api.alpha.fal.ai",
        "a", f"Key {KEYS['a']}", "api.fal.ai",
        "a", f"Key {KEYS['a']}", "api.fal.ai",
        f"profile 'no' does not exist (profiles: a, b, c, odd); {create}",
        "profile 'c' has no key; to set one: fal profile key c",
        f"{home.store}, line 10: the key of profile 'odd' is not text; {cure}",
        f"Key {KEYS['a']}",
        KEYS["b"],
        [["a", KEYS["a"].partition(":")[0], "api.fal.ai", True],
         ["b", KEYS["b"].partition(":")[0], None, False], ["c", "", None, False]],
        None,
    ]  # fmt: skip


def test_importing_falenv_imports_nothing_more() -> None:
    code = "import sys, falenv; print([name for name in sys.modules if 'falenv' in name])"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True,
                          check=True, env=os.environ)  # fmt: skip
    assert done.stdout == "['falenv']\n"
    assert all(hasattr(falenv, name) for name in falenv.__all__)
    with pytest.raises(AttributeError):
        falenv.nothing  # noqa: B018
