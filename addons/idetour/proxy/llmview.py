"""The view in which mitmproxy and mitmweb show a model exchange at first: as a conversation.

It is the default for flows of ours alone; on others it can be chosen. mitmproxy has
no way to take a view back, so it stays registered when the addon is unloaded.
"""

import re

from mitmproxy import contentviews, http
from mitmproxy.contentviews import Metadata

from idetour.proxy import conversation
from idetour.proxy.page import WIDTH, wrapped
from idetour.proxy.scribe import BODY_LIMIT, OURS

PRIORITY = 2.0  # JSON has 1
ASKS = ("/chat/completions", "/messages", "/responses", "/api/chat", "/api/claude")  # ends of paths


class Conversation(contentviews.Contentview):
    def render_priority(self, data: bytes, metadata: Metadata) -> float:
        flow = metadata.flow
        mine = isinstance(flow, http.HTTPFlow) and OURS in flow.metadata and to_a_model(flow.request)
        return PRIORITY if mine and data else -1.0

    def prettify(self, data: bytes, metadata: Metadata) -> str:
        asks = isinstance(metadata.http_message, http.Request)
        events = metadata.content_type == "text/event-stream" or data[:6] in (b"data: ", b"event:")
        said = [conversation.request(data) if asks else conversation.answer(data, events=events)]
        flow = metadata.flow
        if flow and flow.comment and (not asks or flow.metadata.get(OURS) == "attempt"):
            said.insert(0, "\n".join(wrapped([flow.comment], WIDTH)))
        if len(data) == BODY_LIMIT:
            said.append(f"{BODY_LIMIT >> 20} MiB of it are kept for display; what was sent is complete.")
        return visible("\n\n".join(said))


class LlmView:
    """Registers it."""

    def load(self, _: object) -> None:
        if Conversation().name not in contentviews.registry:
            contentviews.add(Conversation)


def visible(text: str) -> str:
    """With a blank in each empty line: mitmweb shows none without."""
    return re.sub(r"^$", " ", text, flags=re.MULTILINE)


def to_a_model(request: http.Request) -> bool:
    """Whether a model is asked something; at `/` as well, for some ask there."""
    path = request.path.partition("?")[0].rstrip("/")
    return request.method == "POST" and (path.endswith(ASKS) or not path)
