"""ksh93 and mksh: the cases of bash, zsh and fish, since they too have a hook."""

from __future__ import annotations

import pytest
from conftest import needs
from test_folder import *
from test_hook import *
from test_live import *
from test_values import *


@pytest.fixture(params=["ksh", "mksh"])
def shell_name(request: pytest.FixtureRequest) -> str:
    needs(request.param)
    return str(request.param)
