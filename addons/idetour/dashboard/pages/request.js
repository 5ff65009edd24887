// One request in full: its course, what was changed, what it used, and the same once more to others.

import { get } from "../api.js";
import { answerBox } from "../answer.js";
import { badge, button, copier, dialog, fill, h, marked } from "../dom.js";
import { DASH, clock, count, money, span, t } from "../say.js";
import { words } from "../words.js";

/** Over the list; the address names it, so that it can be linked to. */
export async function one(id) {
  const found = await get(`/requests/${id}`);
  const sending = again(found);
  const box = dialog(
    found.outcome === "refused" ? found.path : `${found.asked} → ${found.target ?? DASH}`,
    found.error && h("p", { class: "notice", "data-level": "bad" }, found.error),
    facts(found),
    timeline(found),
    changes(found.changed),
    sending.section,
  );
  const away = () => box.close();
  addEventListener("hashchange", away);
  box.addEventListener("close", () => {
    removeEventListener("hashchange", away);
    sending.stop();
    if (location.hash === `#/requests/${id}`) history.replaceState(null, "", "#/requests");
  });
}

function facts(found) {
  const { tokens, counted, estimate } = found;
  const real = tokens && counted === "reported" && ` (${t("real_was", { count: count(tokens.prompt) })})`;
  const detail = tokens && {
    in: count(tokens.prompt),
    out: count(tokens.completion),
    cached: count(tokens.cached),
    reasoning: count(tokens.reasoning),
  };
  const pairs = [
    [t("id"), h("span", { class: "mono" }, found.id)],
    [t("time"), clock(found.began)],
    [t("outcome"), outcomeOf(found)],
    [t("client"), [found.client || DASH, ` · ${found.door} · ${found.path}`]],
    [t("tokens"), detail ? t("token_detail", detail) : DASH],
    [t("estimate"), estimate === null ? DASH : [count(estimate), real]],
    [t("cost"), money(found.cost, found.currency)],
  ];
  return h(
    "dl",
    { class: "facts" },
    pairs.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
}

/** How it ended; a good fallback is no failure. */
export function outcomeOf(row) {
  const absorbed = row.outcome === "ok" && row.tries > 1;
  const bad = { failed: "bad", broken: "bad", refused: "bad" };
  const level = { ok: absorbed ? "fair" : "good", running: "accent", ...bad }[row.outcome];
  return [
    badge(t(absorbed ? "outcome_absorbed" : `outcome_${row.outcome}`), level),
    row.status >= 400 && [" ", h("span", { class: "number muted" }, row.status)],
  ];
}

/** Attempts, first token, end: each a bar on the request's own time. */
function timeline({ attempts, first_token: first, total }) {
  if (!attempts.length) return null;
  const all = total ?? Math.max(0.001, ...attempts.map(({ ended }) => ended));
  const step = (name, [from, to], level, said) => {
    const place = { left: `${(100 * from) / all}%`, width: `${Math.max(0.4, (100 * (to - from)) / all)}%` };
    const bar = h("span", { class: "bar" }, h("i", { "data-level": level, style: place }));
    return h(
      "li",
      {},
      h("span", { class: "mono" }, name),
      h("span", {}, bar, said && h("small", {}, said)),
      h("span", { class: "number" }, span(to - from)),
    );
  };
  const tried = attempts.map((each) => {
    const rests = each.rest && t("rests_for", { span: span(each.rest) });
    const said = [each.key && `${t("key")} ${each.key}`, each.error, rests].filter(Boolean).join(" · ");
    return step(each.target, [each.began, each.ended], each.outcome === "answered" ? "accent" : "bad", said);
  });
  const waited = attempts[0]?.began > 0.01 && step(t("queue"), [0, attempts[0].began], "fair");
  const streamed = first !== null && total !== null && step(t("streaming"), [first, total], "good");
  return h(
    "section",
    {},
    h("h3", {}, t("timeline")),
    h("ol", { class: "timeline" }, waited, tried, streamed),
  );
}

const REASON = /^(.+) \(([^()]+)\)$/;
const FORMS = [
  [/^(\S+) dropped$/, ([, name]) => [h("del", {}, name)]],
  [/^(\S+) sent as (\S+)$/, ([, was, is]) => [h("del", {}, was), " ", h("ins", {}, is)]],
  [/^(\S+) set to (.+)$/, ([, name, value]) => [h("del", {}, name), " ", h("ins", {}, `${name}: ${value}`)]],
  [/^(\S+) → (\S+)$/, ([, was, is]) => [h("del", {}, was), " ", h("ins", {}, is)]],
  [
    /^(\S+) (.+) → (.+)$/,
    ([, name, was, is]) => [h("del", {}, `${name}: ${was}`), " ", h("ins", {}, `${name}: ${is}`)],
  ],
  [/^(\S+) added$/, ([, name]) => [h("ins", {}, name)]],
  [/^(\S+) (.+) added$/, ([, name, value]) => [h("ins", {}, `${name}: ${value}`)]],
  [/^(\S+) rewritten$/, ([, name]) => [h("ins", {}, name), " ", t("rewritten")]],
];

/** What idetour changed so that the target takes it, and why; where the words allow it, as what went and what came. */
function changes(changed) {
  if (!changed.length) return null;
  const said = changed.map((told) => {
    const [, what, why] = REASON.exec(told) ?? [null, told, null];
    const [form, shown] = FORMS.find(([form]) => form.test(what)) ?? [];
    const reason = why && h("small", { class: "muted", title: why }, reasons(why));
    return h("li", {}, h("span", { class: "mono" }, form ? shown(form.exec(what)) : what), " ", reason);
  });
  return h("section", {}, h("h3", {}, t("changed")), h("ul", { class: "diff" }, said));
}

/** `nim: rename` in words: who wants it so, by which word of a profile. */
function reasons(why) {
  const said = why.split(", ").map((each) => {
    const at = each.lastIndexOf(": ");
    const [who, word] = [each.slice(0, Math.max(at, 0)), each.slice(at < 0 ? 0 : at + 2)];
    return words[`why_${word}`] ? t(`why_${word}`, { who: who === "catalog" ? t("catalog") : who }) : each;
  });
  return said.join(t("comma"));
}

/** The same request to one or two models, side by side. Returns its section and what stops the answers. */
function again({ id, asked, target, bodies, outcome }) {
  if (outcome === "refused") return { section: null, stop: () => {} };
  if (!bodies) return { section: h("p", { class: "muted" }, marked(t("body_gone"))), stop: () => {} };
  let boxes = [];
  const stop = () => boxes.forEach((box) => box.stop());
  const name = (label, value) =>
    h("input", { value, placeholder: label, "aria-label": label, list: "model-names", class: "grow" });
  const first = name(t("model"), target ?? asked);
  const second = name(t("another_model"), "");
  const names = h("datalist", { id: "model-names" });
  get("/models").then(
    ({ models }) =>
      fill(
        names,
        models.map((each) => h("option", { value: each.name })),
      ),
    () => {}, // a name can be typed as well
  );
  const answers = h("div", { class: "columns" });
  const compare = () => {
    stop();
    const wanted = [first.value, second.value].map((each) => each.trim()).filter(Boolean);
    boxes = wanted.map((model) => answerBox(model));
    fill(
      answers,
      boxes.map(({ box }) => box),
    );
    boxes.forEach(({ ask }, index) => ask("/again", { id, target: wanted[index] }));
  };
  const send = button(t("send_again"), compare, "first");
  const curl = copier(() => curlOf(bodies.request), t("copy_curl"), t("copied"));
  const said = h(
    "details",
    {},
    h("summary", {}, t("what_was_said")),
    h("pre", { tabindex: "0" }, legible(bodies.request)),
    bodies.answer && h("pre", { tabindex: "0" }, bodies.answer),
  );
  const row = h("div", { class: "row" }, first, second, send, curl);
  return {
    section: h("section", { class: "stack" }, h("h3", {}, t("send_again")), names, row, answers, said),
    stop,
  };
}

/** JSON with its lines apart, where it is whole. */
function legible(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** The request as a line for a shell; a key, where one is needed, is for the reader to fill in. */
function curlOf(body) {
  const quoted = `'${body.replaceAll("'", "'\\''")}'`;
  return `curl -N ${location.origin}/v1/chat/completions -H 'content-type: application/json' -d ${quoted}`;
}
