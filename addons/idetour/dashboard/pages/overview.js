// What happened lately, at a glance: who answered, how fast, what it cost, who rests.

import { get, post } from "../api.js";
import { chart } from "../charts.js";
import { badge, card, fill, h, seldom, table } from "../dom.js";
import { DASH, brief, clock, count, money, share, span, t } from "../say.js";

const RANGES = ["1h", "24h", "7d", "30d"];
const REFRESH_SECONDS = 4;
const STRIPS = 4; // targets with a strip of their own
const MOST_BARS = 96;

export async function mount(root, { live, failed }) {
  let range = localStorage.getItem("range") ?? "24h";
  const places = {
    tiles: h("div", { class: "stack" }),
    strip: h("div"),
    charts: h("div", { class: "columns" }),
    tops: h("div", { class: "columns" }),
    keys: h("div", { class: "columns" }),
  };
  const chosen = h(
    "select",
    {
      "aria-label": t("range"),
      onchange: (event) => {
        localStorage.setItem("range", (range = event.target.value));
        draw();
      },
    },
    RANGES.map((each) => h("option", { value: each, selected: each === range }, t(`range_${each}`))),
  );
  fill(root, h("div", { class: "row spread" }, h("h1", {}, t("overview")), chosen), Object.values(places));
  let charts = [];
  let shown = "";

  async function draw() {
    try {
      const [usage, clients, series, status] = await Promise.all([
        get("/usage", { since: range, by: "target" }),
        get("/usage", { since: range, by: "client" }),
        get("/usage/series", { since: range }),
        get("/status"),
      ]);
      const answering = usage.groups.filter(({ name }) => name); // the rest had no answer
      const strips = answering
        .slice(0, STRIPS)
        .map(({ name }) => get("/usage/series", { since: range, target: name }));
      const courses = [
        [t("all_targets"), series],
        ...(await Promise.all(strips)).map((each, index) => [answering[index].name, each]),
      ];
      fill(places.tiles, status.profile.problem && notice(status.profile), tiles(usage.totals));
      fill(places.strip, availability(courses));
      fill(places.tops, top(t("top_models"), answering), top(t("top_clients"), clients.groups));
      fill(places.keys, targets(status.targets, draw, failed));
      drawCharts(series.points);
    } catch (error) {
      failed(error);
    }
  }

  /** New data into the charts that are there: to make them anew each time would flicker. */
  function drawCharts(points) {
    const column = (value) => points.map(value);
    const times = column(({ start }) => start);
    const data = [
      [times, column(({ ok }) => ok), column(bad)],
      [times, column(({ prompt }) => prompt), column(({ completion }) => completion)],
      [times, column((each) => each.first_token.p50), column((each) => each.first_token.p95)],
    ];
    if (shown === range && charts.length) return charts.forEach((update, index) => update(data[index]));
    charts.forEach((update) => update(null));
    const kinds = [
      [
        t("requests"),
        [line("answered_many", "--accent", count, true), line("failed_many", "--bad", count, true)],
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
  const deaf = live.on((event) => {
    if (event.type === "cleared" || event.type === "profile" || event.stage === "ended") again();
  });
  const tick = setInterval(countdown, 1000, root);
  await draw();
  return () => {
    deaf();
    stop();
    clearInterval(tick);
    charts.forEach((update) => update(null));
  };
}

const line = (word, colour, format, bars = false) => ({ label: t(word), colour, format, bars });

function notice(profile) {
  return h(
    "div",
    { class: "notice", "data-level": "bad", role: "alert" },
    h("strong", {}, t("profile_broken")),
    h("pre", {}, profile.problem),
  );
}

/** What ended badly, less what the client itself ended. */
const bad = (sums) => sums.failed + sums.broken;

function tiles(totals) {
  const ended = totals.requests - totals.left - totals.stopped;
  const tile = (label, value, more) =>
    h("div", { class: "tile" }, h("span", {}, label), h("strong", {}, value), h("span", {}, more ?? " "));
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
      costs(totals.costs),
      totals.unpriced ? t("cost_unknown", { count: count(totals.unpriced) }) : null,
    ),
    tile(t("cache"), totals.prompt ? share(totals.cached / totals.prompt) : DASH, t("cache_of")),
    tile(t("first_byte"), span(totals.first_token.p50), t("p95_is", { time: span(totals.first_token.p95) })),
  );
}

export function costs(sums) {
  const each = Object.entries(sums).map(([currency, amount]) => money(amount, currency));
  return each.length ? each.join(" + ") : DASH;
}

const STEPS = { minute: 60, hour: 3600, day: 86400 };

/** One bar for each step of the time: grey where nothing was asked, red where most failed. */
function availability(courses) {
  const step = STEPS[courses[0][1].step];
  const rows = courses.map(([name, { points }]) => {
    const bars = points.slice(-MOST_BARS).map((each) => {
      const part = each.requests ? bad(each) / each.requests : null;
      const level = part === null ? null : part === 0 ? "good" : part < 0.5 ? "fair" : "bad";
      const said = `${clock(each.start)}: ${t("of_failed", { failed: bad(each), all: each.requests })}`;
      return h("i", { "data-level": level, title: said });
    });
    const all = points.reduce((sum, each) => sum + each.requests, 0);
    const said = all ? share(1 - points.reduce((sum, each) => sum + bad(each), 0) / all) : DASH;
    return h(
      "div",
      { class: "course" },
      h(
        "div",
        { class: "row spread" },
        h("span", { class: "mono" }, name),
        h("span", { class: "muted number" }, said),
      ),
      h("div", { class: "strip", role: "img", "aria-label": `${name}: ${said}` }, bars),
    );
  });
  return card(
    t("availability"),
    h("small", {}, t("each_bar", { span: span(step) })),
    h("div", { class: "stack" }, rows),
  );
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
        [t("name"), (row) => [h("span", { class: "mono" }, row.name ?? DASH), meter(row)]],
        [t("requests"), (row) => count(row.requests), "number"],
        [t("tokens"), (row) => brief(row.prompt + row.completion), "number"],
        [t("cost"), (row) => costs(row.costs), "number"],
      ],
      rows.slice(0, 8),
    ),
  );
}

const LEVELS = { healthy: "good", cooling: "fair", "half-open": "fair", open: "bad" };

/** How a target fares, and for how long, counting down. */
export function state({ state: word, left }) {
  const until = left === null ? null : Date.now() / 1000 + left;
  const shown = until && h("span", { class: "muted number", "data-until": until }, span(left));
  return [badge(t(`state_${word.replace("-", "_")}`), LEVELS[word]), " ", shown];
}

function countdown(root) {
  for (const node of root.querySelectorAll("[data-until]")) {
    const left = Number(node.dataset.until) - Date.now() / 1000;
    node.textContent = left > 0 ? span(left) : "";
  }
}

function targets(list, drawn, failed) {
  const resting = list.filter((each) => each.state !== "healthy");
  const clear = async (target) => {
    try {
      await post("/clear", { target });
      await drawn();
    } catch (error) {
      failed(error);
    }
  };
  if (!resting.length) return card(t("targets"), null, h("p", { class: "empty" }, t("all_well")));
  return card(
    t("targets"),
    null,
    table(
      [
        [
          t("name"),
          (each) => [h("span", { class: "mono" }, each.target), each.key && [" ", h("small", {}, each.key)]],
        ],
        [t("state"), (each) => [state(each), each.why && h("div", {}, h("small", {}, each.why))]],
        [
          "",
          (each) =>
            h(
              "button",
              { type: "button", class: "small", onclick: () => clear(each.target) },
              t("ask_again"),
            ),
        ],
      ],
      resting,
    ),
  );
}
