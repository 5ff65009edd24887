"""Reasoning that a client keeps for us without reading it.

Some upstreams sign what their model thought, and want the signature back in
the next turn (`reasoning_details`). Responses has a place for such a thing,
`encrypted_content`: opaque to the client, and of use only to who issued it.
Ours is told by its first letters; what OpenAI or others have sealed says
nothing to another upstream, and is dropped. Nothing is ever invented.
"""

import base64
import binascii
from collections.abc import Iterable

from msgspec import Raw

from idetour.wire import raw
from idetour.wire.assembly import any_objects
from idetour.wire.turns import string

OURS = "idetour-details:"


def sealed(details: Raw) -> Raw:
    """A list of `reasoning_details` as a client may keep it."""
    return raw.of(OURS + base64.b64encode(details).decode())


def unsealed(value: Raw) -> list[Raw]:
    """The details, as they were; none where it is not ours."""
    said = string(value)
    if not said.startswith(OURS):
        return []
    try:
        return [
            raw.of(detail)
            for detail in any_objects(Raw(base64.b64decode(said.removeprefix(OURS), validate=True)))
        ]
    except (ValueError, binascii.Error, RecursionError):
        return []


def words(details: Iterable[dict[str, Raw]]) -> list[Raw]:
    """What can be read in them: the text, or the summary of one whose text is kept secret."""
    said = (detail.get(key, raw.NULL) for detail in details for key in ("text", "summary"))
    return [text for text in said if raw.has_text(text)]
