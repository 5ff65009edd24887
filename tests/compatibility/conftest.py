"""An idetour with an upstream of each protocol, and a task's token."""

from collections.abc import Iterator
from typing import Any

import pytest

from conftest import Serving
from endpoints.admin.owning import TOKEN, own
from matrix.cells import PROTOCOLS
from matrix.voices import Speaks
from upstream import Upstream


@pytest.fixture(scope="module")
def speaking() -> Iterator[dict[Speaks, Upstream]]:
    with Upstream() as first, Upstream() as second, Upstream() as third:
        yield dict(zip(PROTOCOLS, (first, second, third), strict=True))


@pytest.fixture(scope="module")
def port(speaking: dict[Speaks, Upstream], tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    places = [f"  {speaks}: {{ url: '{up.url}', speaks: {speaks} }}" for speaks, up in speaking.items()]
    models = [f"  {speaks}: {speaks}/some-model" for speaks in PROTOCOLS]
    profile = tmp_path_factory.mktemp("live") / "profile.yaml"
    profile.write_text("\n".join(["upstreams:", *places, "models:", *models, ""]))
    with Serving(profile, admin=TOKEN) as serving:
        yield serving.port


@pytest.fixture
def grant(port: int) -> dict[str, Any]:
    return dict(own(port, "POST", "/admin/api/tokens", {"label": "a task"}).json())
