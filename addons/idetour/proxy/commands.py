"""Commands for the prompt of mitmproxy and mitmweb: how it goes, another model for all, a request sent again."""

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import replace

from mitmproxy import command, ctx, exceptions, flow, http

from idetour.endpoints.serve import Gateway
from idetour.gateway.place import TargetState
from idetour.proxy.engine import Engine
from idetour.proxy.parts import decoded
from idetour.proxy.scribe import OURS, Scribe
from idetour.routes.plan import answers, unknown
from idetour.wire import raw
from idetour.wire.raw import Fields
from idetour.wire.turns import string

log = logging.getLogger("idetour")


class Commands:
    """`idetour.stats`, `idetour.use` and `idetour.replay`."""

    def __init__(self, engine: Engine, scribe: Scribe) -> None:
        self._engine, self._scribe = engine, scribe

    def _gateway(self) -> Gateway:
        if self._engine.gateway is None:
            raise exceptions.CommandError("idetour does not run yet.")
        return self._engine.gateway

    @command.command("idetour.stats")  # type: ignore[untyped-decorator]
    def stats(self) -> Sequence[str]:
        """How the newest requests went, what they used, and how each target fares."""
        pipeline = self._gateway().pipeline
        records = list(pipeline.recent)
        ended = [record.outcome for record in records]
        used = [record.usage for record in records if record.usage]
        words = [f"{ended.count(outcome)} {outcome}" for outcome in dict.fromkeys(ended)]
        lines = [f"The last {len(records)} requests: {', '.join(words) or 'none yet'}."]
        tokens_in, tokens_out = sum(each.prompt for each in used), sum(each.completion for each in used)
        lines.append(f"Tokens: {tokens_in:,} in, {tokens_out:,} out.")
        lines += [fares(state) for state in pipeline.health.snapshot()]
        if instead := pipeline.router.instead:
            lines.append(f"Whatever is asked goes to {instead} (idetour.use).")
        return lines

    @command.command("idetour.use")  # type: ignore[untyped-decorator]
    def use(self, model: str = "") -> str:
        """Lead all requests to MODEL, whatever they ask for, until idetour.use is called without one."""
        router = self._gateway().pipeline.router
        if model:
            self._known(model)
        router.instead = model
        said = (
            f"Whatever is asked goes to {model} now."
            if model
            else "Each request goes where the profile says."
        )
        log.info("%s", said)
        return said

    @command.command("idetour.replay")  # type: ignore[untyped-decorator]
    def replay(self, flows: Sequence[flow.Flow], target: str) -> None:
        """Send requests again, to TARGET: a model's name or upstream/model-id. Each becomes a new flow."""
        self._known(target)
        if instead := self._gateway().pipeline.router.instead:
            raise exceptions.CommandError(
                f"All requests go to {instead}; call idetour.use without a model first."
            )
        # Attempts have the request's id in their comments too, and so are found with it.
        asked = [each for each in flows if each.metadata.get(OURS) != "attempt"]
        if not asked:
            raise exceptions.CommandError(
                "A program's own request can be sent again, an attempt at it cannot."
            )
        ctx.master.commands.call("replay.client", [self._again(each, target) for each in asked])

    def _again(self, asked: flow.Flow, target: str) -> flow.Flow:
        """A new flow that asks the same of another, with the same credentials."""
        fields: Fields = {}
        if isinstance(asked, http.HTTPFlow):
            with contextlib.suppress(ValueError):
                fields = decoded(asked.request.raw_content or b"", raw.fields)
        if not isinstance(asked, http.HTTPFlow) or "model" not in fields:
            raise exceptions.CommandError("Only a request that names a model can be sent to another.")
        made: http.HTTPFlow = asked.copy()
        made.response, made.error = None, None
        made.comment = f"again, to {target} instead of {string(fields['model'])}"
        made.request.content = raw.encode(fields | {"model": raw.of(target)})
        if entry := self._scribe.entries.get(asked.id):
            self._scribe.remember(made, replace(entry, record=None))
        view = ctx.master.addons.get("view")
        if view is not None:
            view.add([made])
        return made

    def _known(self, name: str) -> None:
        """Raises CommandError, with the nearest names, where nobody answers for it."""
        profile, listed = self._gateway().watched.current, self._gateway().pipeline.listed
        if not answers(profile, name, listed):
            raise exceptions.CommandError(unknown(profile, name, listed).message)


def fares(state: TargetState) -> str:
    """One target in a line."""
    words = [f"{state.target} {state.state}"]
    words += [f"for {state.left:.0f} s"] if state.left else []
    words += [f"after: {state.why}"] if state.why and state.state != "healthy" else []
    words += [f"· {state.in_flight} under way"] if state.in_flight else []
    words += [f"· first byte {state.first_byte * 1000:,.0f} ms"] if state.first_byte is not None else []
    return " ".join(words)
