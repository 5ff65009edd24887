"""An idetour that has an owner."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from endpoints.admin.owning import ROUTES, TOKEN

if TYPE_CHECKING:
    from conftest import Serving


@pytest.fixture
def owned(served: Callable[..., "Serving"], tmp_path: Path) -> "Serving":
    (tmp_path / "state").mkdir()
    return served(ROUTES, admin=TOKEN, state=tmp_path / "state")
