"""A Responses request for an upstream that speaks Responses: as it came, but for what idetour keeps itself.

previous_response_id    what was said before, from our own store: the upstream need not know it
item_reference          the item itself, likewise
store                   false: nothing is kept elsewhere, and any upstream can go on
include                 the model's reasoning, sealed, where we keep the answer for the next turn
reasoning of ours       opened again where it is this protocol's, else left out (`responses_reasoning`)
"""

from msgspec import Raw

from idetour.wire import raw
from idetour.wire.raw import Fields
from idetour.wire.responses import SEALED, ResponsesAsked, included
from idetour.wire.responses_reasoning import OURS, unsealed
from idetour.wire.responses_up_items import reasoning
from idetour.wire.turns import any_members, string

ABROAD = "conversation"  # one that is kept at the upstream needs its answers kept there as well


def native(request: ResponsesAsked, *, sealed: bool) -> Fields:
    """The body's members. `sealed`: whether the model can seal its reasoning."""
    fields = {name: value for name, value in request.native.items() if name != "previous_response_id"}
    items = [each for item in request.resolved for each in opened(item)]
    if request.rewritten or items != request.resolved:
        fields["input"] = raw.of(items)
    if ABROAD in fields:
        return fields
    wanted = included(fields)
    if sealed and request.kept and SEALED not in wanted:
        fields["include"] = raw.of([*wanted, SEALED])
    return fields | {"store": Raw(b"false")}


def opened(item: Raw) -> list[Raw]:
    """An item as its upstream knows it: reasoning that cannot be sent back is left out."""
    fields = any_members(item)
    if string(fields.get("type", raw.NULL)) != "reasoning":
        return [item]
    sealed = fields.get("encrypted_content", raw.NULL)
    if string(sealed).startswith(OURS):
        return [raw.of(each) for each in reasoning({"reasoning_details": raw.of(unsealed(sealed))})]
    return [] if raw.blank(sealed) else [item]
