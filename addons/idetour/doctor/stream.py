"""The first byte: a stream through the whole road begins. It is cut then, to cost next to nothing."""

import time
from collections.abc import Iterator

from idetour.doctor.chat import choices, has_content
from idetour.doctor.hop import Finding, Hop, broken, note, ok
from idetour.doctor.road import Road
from idetour.errors import SetupError

QUESTION = {"role": "user", "content": "Say OK."}


def look(road: Road) -> Iterator[Finding]:
    name, began = road.asked, time.monotonic()
    try:
        spoke = any(map(has_content, choices(road, {"model": name, "messages": [QUESTION]})))
    except SetupError as error:
        yield broken(
            f"{name}: the stream does not begin: {error}",
            "If its upstream is sound above, the model is busy or gone: try --model with another name, or give it an `else:`.",
        )
        return
    if not spoke:
        yield broken(f"{name}: the answer ended without a word", "Try another model with --model.")
    elif name.startswith("demo/"):
        yield note(f"{name}: the stream begins; it is a script and no AI, since no key is set")
    else:
        yield ok(f"{name}: the stream begins after {time.monotonic() - began:.1f} s")


HOP = Hop(name="stream", look=look, needs=("listener",))
