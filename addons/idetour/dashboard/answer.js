// An answer that streams in: Chat's events become text, reasoning and tool calls while they arrive.

import { stream } from "./api.js";
import { fill, h } from "./dom.js";
import { count, span, t } from "./say.js";

/** A box for one answer, and `ask(path, body)` which fills it and returns what came: {text, tools, seconds, usage}. */
export function answerBox(title) {
  const text = h("div", { class: "answer" });
  const thought = h(
    "details",
    { hidden: true },
    h("summary", {}, t("reasoning")),
    h("div", { class: "answer muted" }),
  );
  const tools = h("div", { class: "stack" });
  const said = h("p", { class: "muted number", role: "status" }, " ");
  const box = h(
    "section",
    { class: "card" },
    h("header", {}, h("h3", { class: "mono" }, title), said),
    thought,
    text,
    tools,
  );
  let stopper = null;

  async function ask(path, body) {
    stopper?.abort();
    stopper = new AbortController();
    fill(text);
    fill(tools);
    fill(thought.lastChild);
    thought.hidden = true;
    const begun = performance.now();
    const got = { text: "", thought: "", tools: [], usage: null, first: null, seconds: null, finish: null };
    fill(said, t("waiting"));
    try {
      await stream(path, body, take, stopper.signal);
      got.seconds = (performance.now() - begun) / 1000;
      tell();
    } catch (error) {
      if (error.name === "AbortError") return got;
      fill(said);
      text.append(h("p", { class: "notice", "data-level": "bad" }, error.message || t("unreachable")));
    }
    return got;

    function take(data) {
      if (data === "[DONE]") return;
      const event = JSON.parse(data);
      if (event.error) throw new Error(event.error.message);
      if (event.usage) got.usage = event.usage;
      for (const { delta = {}, finish_reason } of event.choices ?? []) {
        const thinks = delta.reasoning_content ?? delta.reasoning;
        if (got.first === null && (delta.content || thinks || delta.tool_calls))
          got.first = (performance.now() - begun) / 1000;
        if (delta.content) text.append(((got.text += delta.content), delta.content));
        if (thinks) {
          thought.hidden = false;
          thought.lastChild.append(((got.thought += thinks), thinks));
        }
        for (const call of delta.tool_calls ?? []) {
          const known = (got.tools[call.index ?? 0] ??= { name: "", arguments: "" });
          known.name += call.function?.name ?? "";
          known.arguments += call.function?.arguments ?? "";
        }
        got.finish = finish_reason ?? got.finish;
      }
      if (got.tools.length)
        fill(
          tools,
          got.tools.map((call) => h("pre", {}, `${call.name}(${call.arguments})`)),
        );
      tell();
    }

    function tell() {
      const words = [
        got.first !== null && `${t("first_byte")} ${span(got.first)}`,
        got.seconds !== null && `${t("total")} ${span(got.seconds)}`,
        got.usage &&
          t("in_out", { in: count(got.usage.prompt_tokens), out: count(got.usage.completion_tokens) }),
        got.finish,
      ];
      fill(said, words.filter(Boolean).join(" · "));
    }
  }

  return { box, ask, stop: () => stopper?.abort() };
}
