// Every request: a table that holds still while new ones come, and one of them in full.

import { get } from "../api.js";
import { answerBox } from "../answer.js";
import { badge, copier, dialog, fill, h, line, marked, table } from "../dom.js";
import { DASH, brief, clock, count, money, span, t } from "../say.js";

const OUTCOMES = ["ok", "failed", "broken", "left", "stopped", "running"];
const PAGE = 50;

export async function mount(root, { live, rest, failed }) {
  let rows = [];
  let older = null; // where the next page begins
  const waiting = new Map(); // what came since, and is not shown yet
  const asked = { search: "", outcome: "" };
  const news = h("button", { type: "button", class: "first small", hidden: true, onclick: load });
  const list = h("div");
  const search = h("input", {
    type: "search",
    placeholder: t("search_requests"),
    "aria-label": t("search_requests"),
    onchange: (event) => {
      asked.search = event.target.value;
      load();
    },
  });
  const outcome = h(
    "select",
    {
      "aria-label": t("outcome"),
      onchange: (event) => {
        asked.outcome = event.target.value;
        load();
      },
    },
    h("option", { value: "" }, t("every_outcome")),
    OUTCOMES.map((each) => h("option", { value: each }, t(`outcome_${each}`))),
  );
  fill(
    root,
    h(
      "div",
      { class: "row spread" },
      h("h1", {}, t("requests")),
      h("div", { class: "row" }, news, search, outcome),
    ),
    list,
  );

  const columns = [
    [t("time"), (row) => h("span", { class: "number" }, clock(row.began))],
    [
      t("asked"),
      (row) => [h("span", { class: "mono" }, row.asked), h("br"), h("small", {}, row.client ?? row.door)],
    ],
    [
      t("answered_by"),
      (row) => [
        h("span", { class: "mono" }, row.target ?? DASH),
        row.tries > 1 && [" ", badge(t("attempt_count", { count: row.tries }), "fair")],
      ],
    ],
    [t("outcome"), outcomeOf],
    [t("tokens"), (row) => (row.tokens ? tokensOf(row) : DASH), "number"],
    [t("first_byte"), (row) => span(row.first_token), "number wide"],
    [t("total"), (row) => span(row.total), "number wide"],
    [t("cost"), (row) => money(row.cost, row.currency), "number wide"],
  ];
  const open = (row) => {
    location.hash = `#/requests/${row.id}`;
  };

  async function load() {
    try {
      ({ requests: rows, next: older } = await get("/requests", { ...asked, limit: PAGE }));
      waiting.clear();
      announce();
      draw();
    } catch (error) {
      failed(error);
    }
  }

  function draw() {
    if (!rows.length)
      return fill(
        list,
        h(
          "div",
          { class: "card empty" },
          h("p", {}, t("no_requests")),
          h("a", { href: "#/setup" }, t("to_setup")),
        ),
      );
    const further = older && h("button", { type: "button", onclick: append }, t("older"));
    fill(list, h("div", { class: "card" }, table(columns, rows, open), further));
    list.querySelectorAll("tbody tr").forEach((node, index) => {
      node.dataset.id = rows[index].id;
    });
  }

  async function append() {
    const found = await get("/requests", { ...asked, limit: PAGE, before: older });
    rows.push(...found.requests);
    older = found.next;
    draw();
  }

  function announce() {
    news.hidden = waiting.size === 0;
    news.textContent = t("new_count", { count: count(waiting.size) });
  }

  /** A request that is shown changes where it stands; another waits until it is asked for. */
  function heard(row) {
    const index = rows.findIndex((each) => each.id === row.id);
    if (index < 0) {
      if (rows.length === 0 && !asked.search && !asked.outcome) return load();
      waiting.set(row.id, row);
      return announce();
    }
    rows[index] = row;
    const node = list.querySelector(`tr[data-id="${CSS.escape(row.id)}"]`);
    if (!node) return;
    const fresh = line(columns, row, open);
    fresh.dataset.id = row.id;
    const focused = document.activeElement === node;
    node.replaceWith(fresh);
    if (focused) fresh.focus();
  }

  await load();
  if (rest[0]) await one(rest[0]);
  return live.on((event) => {
    if (event.type === "request") heard(event);
  });
}

function outcomeOf(row) {
  const absorbed = row.outcome === "ok" && row.tries > 1;
  const level = { ok: absorbed ? "fair" : "good", failed: "bad", broken: "bad", running: "accent" }[
    row.outcome
  ];
  return [
    badge(t(absorbed ? "outcome_absorbed" : `outcome_${row.outcome}`), level),
    row.status >= 400 && [" ", h("span", { class: "number muted" }, row.status)],
  ];
}

/** One request over the list; the address names it, so that it can be linked to. */
async function one(id) {
  const found = await get(`/requests/${id}`);
  const box = dialog(
    `${found.asked} → ${found.target ?? DASH}`,
    facts(found),
    timeline(found),
    errors(found),
    again(found),
  );
  box.addEventListener("close", () => {
    if (location.hash === `#/requests/${id}`) location.hash = "#/requests";
  });
  addEventListener("hashchange", () => box.close(), { once: true });
}

const tokensOf = ({ tokens, counted }) =>
  `${counted === "estimate" ? "≈ " : ""}${brief(tokens.prompt)} → ${brief(tokens.completion)}`;

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
    [t("client"), [found.client ?? DASH, ` · ${found.door} · ${found.path}`]],
    [t("tokens"), detail ? t("token_detail", detail) : DASH],
    [t("estimate"), estimate === null ? DASH : [count(estimate), real]],
    [t("cost"), money(found.cost, found.currency)],
    [
      t("changed"),
      found.changed.length ? found.changed.map((each) => h("div", { class: "mono" }, each)) : DASH,
    ],
  ];
  return h(
    "dl",
    { class: "facts" },
    pairs.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
}

/** Attempts, first token, end: each a bar on the request's own time. */
function timeline({ attempts, first_token: first, total }) {
  const all = total ?? Math.max(0.001, ...attempts.map(({ ended }) => ended));
  const step = (name, [from, to], level, said) => {
    const place = { left: `${(100 * from) / all}%`, width: `${Math.max(0.4, (100 * (to - from)) / all)}%` };
    const bar = h("span", { class: "bar" }, h("i", { "data-level": level, style: place }));
    return h(
      "li",
      {},
      h("span", {}, name),
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
  const streamed = first !== null && total !== null && step(t("streaming"), [first, total], "accent");
  return h(
    "section",
    {},
    h("h3", {}, t("timeline")),
    h("ol", { class: "timeline" }, waited, tried, streamed),
  );
}

const errors = (found) => found.error && h("p", { class: "notice", "data-level": "bad" }, found.error);

/** The same request to two models, side by side. */
function again({ id, asked, target, bodies }) {
  if (!bodies) return h("p", { class: "muted" }, marked(t("body_gone")));
  const first = h("input", { value: target ?? asked, "aria-label": t("model"), list: "model-names" });
  const second = h("input", {
    placeholder: t("another_model"),
    "aria-label": t("another_model"),
    list: "model-names",
  });
  const names = h("datalist", { id: "model-names" });
  const answers = h("div", { class: "columns" });
  get("/models").then(
    ({ models }) =>
      fill(
        names,
        models.map(({ name }) => h("option", { value: name })),
      ),
    () => {}, // a name can be typed as well
  );
  const send = h("button", { type: "button", class: "first", onclick: compare }, t("send_again"));
  const curl = copier(() => curlOf(bodies.request), t("copy_curl"), t("copied"));
  const said = h(
    "details",
    {},
    h("summary", {}, t("what_was_said")),
    h("pre", {}, bodies.request),
    h("pre", {}, bodies.answer),
  );
  return h(
    "section",
    { class: "stack" },
    h("h3", {}, t("send_again")),
    names,
    h("div", { class: "row" }, first, second, send, curl),
    answers,
    said,
  );

  async function compare() {
    const wanted = [first.value, second.value].map((each) => each.trim()).filter(Boolean);
    const boxes = wanted.map((model) => answerBox(model));
    fill(
      answers,
      boxes.map(({ box }) => box),
    );
    await Promise.all(boxes.map(({ ask }, index) => ask("/again", { id, target: wanted[index] })));
  }
}

/** The request as a line for a shell; a key, where one is needed, is for the reader to fill in. */
function curlOf(body) {
  const quoted = `'${body.replaceAll("'", "'\\''")}'`;
  return `curl -N ${location.origin}/v1/chat/completions -H 'content-type: application/json' -d ${quoted}`;
}
