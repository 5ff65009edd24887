"""Requests that are too long, or show an image, go to who can take them."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from faults.client import Asking
from idetour.profile.catalog import load
from upstream import Upstream, status

if TYPE_CHECKING:
    from conftest import Serving

WINDOWS = """
upstreams: {{nim: {{url: {url}, key: $CANARY_KEY}}}}
routes: {{m: [{{use: nim/{small}, else: [nim/nobody/knows, nim/{same}, nim/{large}]}}]}}
"""


def test_a_context_that_is_too_long_goes_only_to_a_window_that_is_known_to_be_larger(
    serving: Callable[[Path], "Serving"], profile_file: Callable[..., Path], upstream: Upstream, key: str
) -> None:
    by_size = defaultdict(list)
    for target, known in load().models.items():
        if target.upstream == "nim" and known.context and not known.retired:
            by_size[known.context].append(target.model)
    sizes = sorted(by_size)
    small, same, large = *by_size[sizes[0]][:2], by_size[sizes[-1]][0]
    too_long = {"error": {"message": "This model's maximum context length is exceeded"}}
    for model in (small, same, "nobody/knows"):
        upstream.always(status(400, too_long), asked=model)
    profile = WINDOWS.format(url=upstream.url, small=small, same=same, large=large)
    heard = Asking(serving(profile_file(profile)).url).chat()
    assert heard.text == "Hello, world"
    assert [request.asked for request in upstream.requests] == [small, large]


PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0="}}
EYES = """
upstreams: {{nim: {{url: {url}, key: $CANARY_KEY}}}}
routes: {{m: [{{use: nim/{blind}, else: [nim/{seeing}]}}]}}
"""


def test_an_image_goes_to_a_model_that_sees_although_a_blind_one_comes_first(
    serving: Callable[[Path], "Serving"], profile_file: Callable[..., Path], upstream: Upstream, key: str
) -> None:
    nim = [known for target, known in load().models.items() if target.upstream == "nim" and not known.retired]
    blind, seeing = (next(each.target.model for each in nim if each.images is sees) for sees in (False, True))
    asking = Asking(serving(profile_file(EYES.format(url=upstream.url, blind=blind, seeing=seeing))).url)
    shown = [{"role": "user", "content": [{"type": "text", "text": "what is this?"}, PICTURE]}]
    assert (asking.chat(messages=shown).text, asking.chat().text) == ("Hello, world", "Hello, world")
    assert [request.asked for request in upstream.requests] == [seeing, blind]
