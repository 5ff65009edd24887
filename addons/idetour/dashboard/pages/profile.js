// The profile as it lies on the disk, its mistakes at their lines, and what it would make of a request.

import { post } from "../api.js";
import { badge, button, card, h, fill } from "../dom.js";
import { count, t } from "../say.js";

export function profile({ file, text, problems, warnings }) {
  const notices = [
    ...problems.map((each) => notice("bad", each)),
    ...warnings.map((message) => notice("fair", { message })),
  ];
  const source = h("pre", { class: "source", tabindex: "0" }, numbered(text, problems));
  const shown = h("details", { open: problems.length > 0 }, h("summary", {}, t("show_profile")), source);
  return card(
    t("profile"),
    h("small", { class: "mono" }, file),
    h("div", { class: "stack" }, notices, shown),
  );
}

function notice(level, { line, message, hint }) {
  const place = line && [h("strong", {}, t("line", { line })), " "];
  return h("div", { class: "notice", "data-level": level }, place, message, hint && h("div", {}, hint));
}

/** Its lines, with what is wrong below the line that it is wrong in. */
function numbered(text, problems) {
  return text.split("\n").map((line, index) => {
    const found = problems.filter((each) => each.line === index + 1);
    const number = h("span", { class: "muted" }, String(index + 1).padStart(4), "  ");
    const said = found.map(({ column, message }) => h("div", {}, `${" ".repeat(column + 5)}^ ${message}`));
    return h("div", { "data-level": found.length > 0 && "bad" }, number, line || " ", said);
  });
}

/** What would become of a request, without sending it. */
export function dryRun(model, failed) {
  const example = { model, messages: [{ role: "user", content: t("test_prompt") }] };
  const field = h(
    "textarea",
    { "aria-label": t("dry_run"), spellcheck: "false" },
    JSON.stringify(example, null, 2),
  );
  const place = h("div", { class: "stack", role: "status" });
  const go = async () => {
    try {
      fill(place, explained(await post("/explain", { request: JSON.parse(field.value) })));
    } catch (error) {
      if (!(error instanceof SyntaxError)) return failed(error);
      const said = t("no_json", { why: error.message });
      fill(place, h("p", { class: "notice", "data-level": "bad", role: "alert" }, said));
    }
  };
  const row = h("div", { class: "row" }, button(t("explain"), go, "first"));
  return card(
    t("dry_run"),
    null,
    h("div", { class: "stack" }, h("p", { class: "muted" }, t("dry_run_is")), field, row, place),
  );
}

function explained({ why, rules, candidates, refused, tokens, kind }) {
  if (refused) return h("p", { class: "notice", "data-level": "fair" }, refused);
  const word = ({ word: name, holds, why: said }) =>
    h("li", {}, badge(name, holds ? "good" : null), " ", said);
  const rule = ({ met, words, use }) =>
    h(
      "li",
      { "data-done": String(met) },
      h(
        "div",
        {},
        h("strong", { class: "mono" }, Object.keys(use).join(", ")),
        h("ul", {}, words.map(word)),
        !words.length && h("small", {}, t("always")),
      ),
    );
  const asked = candidates.map(({ target, ready }) =>
    h("li", {}, h("span", { class: "mono" }, target), " ", !ready && badge(t("not_ready"), "fair")),
  );
  const more = ` · ${t("about_tokens", { count: count(tokens) })} · ${kind}`;
  return [
    h("p", {}, h("strong", {}, why), h("span", { class: "muted" }, more)),
    rules.length > 0 && h("ol", { class: "steps" }, rules.map(rule)),
    h("h3", {}, t("asked_in_order")),
    h("ol", { class: "order" }, asked),
  ];
}
