// Every request: a table that holds still while new ones come, and one of them in full.

import { get } from "../api.js";
import { answerBox } from "../answer.js";
import { badge, copier, dialog, fill, h, line, table } from "../dom.js";
import { DASH, brief, clock, count, money, span, t } from "../say.js";

const OUTCOMES = ["ok", "failed", "broken", "left", "stopped", "running"];
const PAGE = 50;

export async function mount(root, { live, rest, failed }) {
  let rows = [];
  let more = false;
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
        row.attempts > 1 && [" ", badge(t("attempt_count", { count: row.attempts }), "fair")],
      ],
    ],
    [t("outcome"), outcomeOf],
    [
      t("tokens"),
      (row) =>
        row.tokens
          ? `${row.tokens.estimated ? "≈ " : ""}${brief(row.tokens.in)} → ${brief(row.tokens.out)}`
          : DASH,
      "number",
    ],
    [t("first_byte"), (row) => span(row.first_byte), "number wide"],
    [t("total"), (row) => span(row.total), "number wide"],
    [t("cost"), (row) => (row.cost ? money(row.cost.amount, row.cost.currency) : DASH), "number wide"],
  ];
  const open = (row) => {
    location.hash = `#/requests/${row.id}`;
  };

  async function load() {
    try {
      ({ requests: rows, more } = await get("/requests", { ...asked, limit: PAGE }));
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
    const older = more && h("button", { type: "button", onclick: further }, t("older"));
    fill(list, h("div", { class: "card" }, table(columns, rows, open), older));
    list.querySelectorAll("tbody tr").forEach((node, index) => {
      node.dataset.id = rows[index].id;
    });
  }

  async function further() {
    const found = await get("/requests", { ...asked, limit: PAGE, before: rows.at(-1).id });
    rows.push(...found.requests);
    more = found.more;
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
    if (event.type === "request") heard(event.request);
  });
}

function outcomeOf(row) {
  const absorbed = row.outcome === "ok" && row.attempts > 1;
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
    changes(found),
    errors(found),
    again(found),
  );
  box.addEventListener("close", () => {
    if (location.hash === `#/requests/${id}`) location.hash = "#/requests";
  });
  addEventListener("hashchange", () => box.close(), { once: true });
}

function facts(found) {
  const { tokens, estimate } = found;
  const pairs = [
    [t("id"), h("span", { class: "mono" }, found.id)],
    [t("time"), clock(found.began)],
    [t("outcome"), outcomeOf(found)],
    [t("client"), `${found.client ?? DASH} · ${found.door} · ${found.protocol ?? ""}`],
    [
      t("tokens"),
      tokens
        ? t("token_detail", {
            in: count(tokens.in),
            out: count(tokens.out),
            cached: count(tokens.cached),
            reasoning: count(tokens.reasoning),
          })
        : DASH,
    ],
    [
      t("estimate"),
      estimate
        ? [
            count(estimate.tokens_in),
            tokens && !tokens.estimated && ` (${t("real_was", { count: count(tokens.in) })})`,
          ]
        : DASH,
    ],
    [t("cost"), found.cost ? money(found.cost.amount, found.cost.currency) : DASH],
  ];
  const route = found.route && [
    h("dt", {}, t("why")),
    h(
      "dd",
      {},
      typeof found.route === "string"
        ? found.route
        : found.route.map((each) => h("div", {}, each.why ?? each)),
    ),
  ];
  return h(
    "dl",
    { class: "facts" },
    pairs.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
    route,
  );
}

/** Queue, attempts, first token, end: each a bar on the request's own time. */
function timeline(found) {
  const all = found.total ?? Math.max(0.001, ...found.attempts.map((each) => each.ended ?? 0));
  const bar = (from, to, level) =>
    h(
      "span",
      { class: "bar" },
      h("i", {
        "data-level": level,
        style: {
          left: `${(100 * from) / all}%`,
          width: `${Math.max(0.4, (100 * ((to ?? all) - from)) / all)}%`,
        },
      }),
    );
  const step = (name, from, to, level, more) =>
    h(
      "li",
      {},
      h("span", {}, name),
      h("span", {}, bar(from, to, level), more && h("small", {}, more)),
      h("span", { class: "number" }, span((to ?? all) - from)),
    );
  const attempts = found.attempts.map((each) => {
    const good = each.outcome === "answered" || each.outcome === "ok";
    return step(
      each.target,
      each.began ?? 0,
      each.ended,
      good ? "accent" : "bad",
      [
        each.credential && `${t("key")} ${each.credential}`,
        !good && each.outcome,
        each.error,
        each.cooldown && t("rests_for", { span: span(each.cooldown) }),
      ]
        .filter(Boolean)
        .join(" · "),
    );
  });
  const streamed =
    found.first_byte !== null &&
    found.total !== null &&
    step(t("streaming"), found.first_byte, found.total, "accent");
  const queue = found.queue > 0.001 && step(t("queue"), 0, found.queue, "fair");
  return h(
    "section",
    {},
    h("h3", {}, t("timeline")),
    h("ol", { class: "timeline" }, queue, attempts, streamed),
  );
}

function changes(found) {
  if (!found.changed?.length) return null;
  const value = (each) => (each === null || each === undefined ? DASH : JSON.stringify(each));
  const row = (each) =>
    typeof each === "string"
      ? h("li", { class: "mono" }, each)
      : h(
          "li",
          { class: "mono" },
          `${each.field}: `,
          each.from !== undefined && h("del", {}, value(each.from)),
          " ",
          each.to !== undefined && h("ins", {}, value(each.to)),
        );
  return h("section", {}, h("h3", {}, t("changed")), h("ul", { class: "diff" }, found.changed.map(row)));
}

const errors = (found) => found.error && h("p", { class: "notice", "data-level": "bad" }, found.error);

/** The same request to two models, side by side. */
function again(found) {
  if (!found.body && !found.again) return h("p", { class: "muted" }, t("body_gone"));
  const first = h("input", {
    value: found.target ?? found.asked,
    "aria-label": t("model"),
    list: "model-names",
  });
  const second = h("input", {
    placeholder: t("another_model"),
    "aria-label": t("another_model"),
    list: "model-names",
  });
  const names = h("datalist", { id: "model-names" });
  const answers = h("div", { class: "columns" });
  get("/models").then(
    (said) =>
      fill(
        names,
        said.models.map((each) => h("option", { value: each.name })),
      ),
    () => {},
  ); // to type a name works as well
  const send = h("button", { type: "button", class: "first", onclick: compare }, t("send_again"));
  const curl = found.curl && copier(() => found.curl, t("copy_curl"), t("copied"));
  return h(
    "section",
    { class: "stack" },
    h("h3", {}, t("send_again")),
    names,
    h("div", { class: "row" }, first, second, send, curl),
    answers,
  );

  async function compare() {
    const asked = [first.value, second.value].map((each) => each.trim()).filter(Boolean);
    const boxes = asked.map((model) => answerBox(model));
    fill(
      answers,
      boxes.map(({ box }) => box),
    );
    await Promise.all(boxes.map(({ ask }, index) => ask("/again", { id: found.id, model: asked[index] })));
  }
}
