// What happened lately, at a glance: who answered, how fast, what it cost, who rests.

import { get, post } from "../api.js";
import { chart } from "../charts.js";
import { badge, button, card, choice, fill, h, seldom, table } from "../dom.js";
import { DASH, brief, clock, count, money, share, span, t } from "../say.js";
import { availability } from "./availability.js";

const RANGES = ["1h", "24h", "7d", "30d"];
const REFRESH_SECONDS = 5;
const STRIPS = 4; // targets with a strip of their own

export async function mount(root, { hear, leaving, failed }) {
  let range = localStorage.getItem("range") ?? "24h";
  const places = {
    alerts: h("div", { class: "stack" }),
    tiles: h("div"),
    strip: h("div"),
    charts: h("div", { class: "columns" }),
    tops: h("div", { class: "columns" }),
    keys: h("div", { class: "stack" }),
  };
  const ranges = RANGES.map((each) => [each, t(`range_${each}`)]);
  const chosen = choice(t("range"), ranges, range, (value) => {
    localStorage.setItem("range", (range = value));
    draw();
  });
  fill(root, h("div", { class: "row spread" }, h("h1", {}, t("overview")), chosen), Object.values(places));
  let charts = [];
  let shown = "";

  async function draw() {
    try {
      const since = { since: range };
      const usage = await get("/usage", { ...since, by: "target" }); // one after the other: they are answered so
      const clients = await get("/usage", { ...since, by: "client" });
      const series = await get("/usage/series", since);
      const { targets } = await get("/usage/availability", { ...since, step: series.step });
      const [status, { accounts }] = await Promise.all([get("/status"), get("/accounts")]);
      const answering = usage.groups.filter(({ name }) => name); // the rest had no answer
      fill(places.alerts, alerts(status));
      fill(places.tiles, tiles(usage.totals));
      fill(places.strip, availability(series, targets.slice(0, STRIPS)));
      fill(places.tops, top(t("top_models"), answering), top(t("top_clients"), clients.groups));
      fill(places.keys, credentials(accounts), resting(status.targets, clear));
      drawCharts(series);
    } catch (error) {
      failed(error);
    }
  }

  async function clear(target) {
    try {
      await post("/clear", { target });
      await draw();
    } catch (error) {
      failed(error);
    }
  }

  /** New data into the charts that are there: to make them anew each time would flicker. */
  function drawCharts({ points }) {
    const column = (value) => points.map(value);
    const times = column(({ start }) => start);
    const data = [
      [times, column(({ requests }) => requests), column(bad)],
      [times, column(({ prompt }) => prompt), column(({ completion }) => completion)],
      [times, column((each) => each.first_token.p50), column((each) => each.first_token.p95)],
    ];
    if (shown === range && charts.length) return charts.forEach((update, index) => update(data[index]));
    charts.forEach((update) => update(null));
    const kinds = [
      [
        t("requests"),
        [line("all_targets", "--accent", count, true), line("failed_many", "--bad", count, true)],
      ],
      [t("tokens"), [line("tokens_in", "--accent", brief), line("tokens_out", "--good", brief)]],
      [t("first_byte"), [line("p50", "--accent", span), line("p95", "--fair", span)]],
    ];
    const made = kinds.map(([title, series], index) => [title, chart(title, series, data[index])]);
    charts = made.map(([, [, update]]) => update);
    shown = range;
    fill(
      places.charts,
      made.map(([title, [box]]) => card(title, null, box)),
    );
  }

  const [again, stop] = seldom(draw, REFRESH_SECONDS);
  const tick = setInterval(countdown, 1000, root);
  leaving(() => {
    stop();
    clearInterval(tick);
    charts.forEach((update) => update(null));
  });
  hear((event) => {
    if (["cleared", "profile", "switches"].includes(event.type) || event.stage === "ended") again();
  });
  await draw();
}

const line = (word, colour, format, bars = false) => ({ label: t(word), colour, format, bars });

/** What its owner has to know before all else. */
function alerts({ profile, usage }) {
  const notice = (level, title, text) =>
    h(
      "div",
      { class: "notice", "data-level": level, role: "alert" },
      h("strong", {}, title),
      text && h("pre", {}, text),
    );
  return [
    profile.problem && notice("bad", t("profile_broken"), profile.problem),
    usage.problem && notice("bad", t("usage_problem"), usage.problem),
    usage.dropped > 0 && notice("fair", t("usage_dropped", { count: count(usage.dropped) })),
  ];
}

/** What ended badly, less what the client itself ended. */
const bad = (sums) => sums.failed + sums.broken;

function tiles(totals) {
  const ended = totals.requests - totals.left - totals.stopped;
  const tile = (label, value, more) =>
    h("div", { class: "tile" }, h("span", {}, label), h("strong", {}, value), h("span", {}, more));
  return h(
    "div",
    { class: "tiles" },
    tile(
      t("requests"),
      brief(totals.requests),
      totals.rescued ? t("absorbed", { count: count(totals.rescued) }) : null,
    ),
    tile(
      t("answered"),
      ended ? share(totals.ok / ended) : DASH,
      bad(totals) ? t("failed_count", { count: count(bad(totals)) }) : null,
    ),
    tile(
      t("tokens"),
      brief(totals.prompt + totals.completion),
      t("in_out", { in: brief(totals.prompt), out: brief(totals.completion) }),
    ),
    tile(
      t("cost"),
      costs(totals),
      totals.unpriced ? t("cost_unknown", { count: count(totals.unpriced) }) : null,
    ),
    tile(t("cache"), totals.prompt ? share(totals.cached / totals.prompt) : DASH, t("cache_of")),
    tile(t("first_byte"), span(totals.first_token.p50), t("p95_is", { time: span(totals.first_token.p95) })),
  );
}

function costs({ costs: sums, unpriced, prompt, completion }) {
  const each = Object.entries(sums).map(([currency, amount]) => money(amount, currency));
  if (each.length) return each.join(" + ");
  return !unpriced && prompt + completion > 0 ? t("free") : DASH;
}

function top(title, rows) {
  if (!rows?.length) return card(title, null, h("p", { class: "empty" }, t("nothing_yet")));
  const most = Math.max(...rows.map((row) => row.requests));
  const meter = (row) =>
    h(
      "div",
      { class: "meter", "aria-hidden": "true" },
      h("i", { style: { width: `${(100 * row.requests) / most}%` } }),
    );
  return card(
    title,
    null,
    table(
      [
        [t("name"), (row) => [h("span", { class: "mono" }, row.name || DASH), meter(row)]],
        [t("requests"), (row) => count(row.requests), "number"],
        [t("tokens"), (row) => brief(row.prompt + row.completion), "number"],
        [t("cost"), (row) => costs(row), "number"],
      ],
      rows.slice(0, 8),
    ),
  );
}

const LEVELS = { healthy: "good", cooling: "fair", "half-open": "fair", open: "bad" };

/** How a target fares, and for how long, counting down. */
export function state({ state: word, left }) {
  return [badge(t(`state_${word.replace("-", "_")}`), LEVELS[word]), " ", remaining(left)];
}

function remaining(left) {
  if (left === null) return null;
  return h("span", { class: "muted number", "data-until": Date.now() / 1000 + left }, span(left));
}

function countdown(root) {
  for (const node of root.querySelectorAll("[data-until]")) {
    const left = Number(node.dataset.until) - Date.now() / 1000;
    node.textContent = left > 0 ? span(left) : "";
  }
}

const KEY_LEVELS = { ready: "good", cooling: "fair", "needs login": "bad" };

/** Every key and login: whether it may be used, and what was asked with it today. */
function credentials(accounts) {
  if (!accounts.length) {
    const none = [h("p", {}, t("no_keys")), h("a", { href: "#/setup" }, t("to_key"))];
    return card(t("credentials"), null, h("div", { class: "empty" }, none));
  }
  const columns = [
    [
      t("name"),
      ({ upstream, name, key }) => [
        h("span", { class: "mono" }, name ? `${upstream}/${name}` : upstream),
        key && [" ", h("small", { class: "mono" }, key)],
      ],
    ],
    [
      t("state"),
      ({ state: word, left, why }) => [
        badge(t(`key_${word.replace(" ", "_")}`), KEY_LEVELS[word]),
        " ",
        remaining(left),
        why && h("small", { class: "under" }, why),
      ],
    ],
    [t("today"), ({ today }) => count(today), "number"],
    [t("expires"), ({ expires }) => (expires ? clock(expires) : DASH), "number"],
  ];
  return card(t("credentials"), null, table(columns, accounts));
}

function resting(list, clear) {
  const resting = list.filter((each) => each.state !== "healthy");
  if (!resting.length) return h("p", { class: "muted" }, t("all_well"));
  const columns = [
    [
      t("name"),
      (each) => [h("span", { class: "mono" }, each.target), each.key && [" ", h("small", {}, each.key)]],
    ],
    [t("state"), (each) => [state(each), each.why && h("small", { class: "under" }, each.why)]],
    ["", (each) => button(t("ask_again"), () => clear(each.target)), "actions"],
  ];
  return card(t("targets"), null, table(columns, resting));
}
