// What happened lately, at a glance: who answered, how fast, what it cost, who rests.

import { get, post } from "../api.js";
import { chart } from "../charts.js";
import { badge, card, fill, h, seldom, table } from "../dom.js";
import { DASH, brief, clock, count, money, share, span, t } from "../say.js";

const RANGES = ["1h", "24h", "7d", "30d"];
const REFRESH_SECONDS = 4;

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
      const [usage, strip, status] = await Promise.all([
        get("/usage", { since: range }),
        get("/availability", { since: range }),
        get("/status"),
      ]);
      fill(places.tiles, status.profile.problem && notice(status.profile), tiles(usage.totals));
      fill(places.strip, availability(strip));
      fill(places.tops, top(t("top_models"), usage.by.target), top(t("top_clients"), usage.by.client));
      fill(places.keys, keys(status.keys ?? []), targets(status.targets ?? [], draw, failed));
      drawCharts(usage);
    } catch (error) {
      failed(error);
    }
  }

  /** New data into the charts that are there: to make them anew each time would flicker. */
  function drawCharts(usage) {
    const column = (index) => usage.points.map((point) => point[index]);
    const good = usage.points.map(([, all, bad]) => all - bad);
    const times = column(0);
    const data = [
      [times, good, column(2)],
      [times, column(3), column(4)],
      [times, column(5), column(6)],
    ];
    if (shown === range && charts.length) return charts.forEach((update, index) => update(data[index]));
    charts.forEach((update) => update(null));
    const kinds = [
      [t("requests"), [line("answered_many", "--accent", count, true), line("failed_many", "--bad", count, true)]],
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
    if (
      event.type === "target" ||
      event.type === "profile" ||
      (event.type === "request" && event.request.outcome !== "running")
    )
      again();
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

function tiles(totals) {
  const answered = totals.requests - totals.failed;
  const tile = (label, value, more) =>
    h("div", { class: "tile" }, h("span", {}, label), h("strong", {}, value), h("span", {}, more ?? " "));
  return h(
    "div",
    { class: "tiles" },
    tile(
      t("requests"),
      brief(totals.requests),
      totals.absorbed ? t("absorbed", { count: count(totals.absorbed) }) : null,
    ),
    tile(
      t("answered"),
      totals.requests ? share(answered / totals.requests) : DASH,
      totals.failed ? t("failed_count", { count: count(totals.failed) }) : null,
    ),
    tile(
      t("tokens"),
      brief(totals.tokens_in + totals.tokens_out),
      t("in_out", { in: brief(totals.tokens_in), out: brief(totals.tokens_out) }),
    ),
    tile(
      t("cost"),
      costs(totals.cost),
      totals.cost_unknown ? t("cost_unknown", { count: count(totals.cost_unknown) }) : null,
    ),
    tile(t("cache"), share(totals.cache_ratio), t("cache_of")),
    tile(t("first_byte"), span(totals.first_byte.p50), t("p95_is", { time: span(totals.first_byte.p95) })),
  );
}

export function costs(list) {
  return list?.length ? list.map(({ amount, currency }) => money(amount, currency)).join(" + ") : DASH;
}

/** One bar a slot: grey where nothing was asked, red where most failed. */
function availability({ targets: found, step }) {
  if (!found?.length) return null;
  const rows = found.map(({ target, slots }) => {
    const bars = slots.map(({ at, requests, failed }) => {
      const part = requests ? failed / requests : null;
      const level = part === null ? null : part === 0 ? "good" : part < 0.5 ? "fair" : "bad";
      return h("i", {
        "data-level": level,
        title: `${clock(at)}: ${t("of_failed", { failed, all: requests })}`,
      });
    });
    const all = slots.reduce((sum, slot) => sum + slot.requests, 0);
    const good = all - slots.reduce((sum, slot) => sum + slot.failed, 0);
    const said = all ? share(good / all) : DASH;
    return h(
      "div",
      { class: "stack", style: { gap: "4px" } },
      h(
        "div",
        { class: "row spread" },
        h("span", { class: "mono" }, target ?? t("all_targets")),
        h("span", { class: "muted number" }, said),
      ),
      h("div", { class: "strip", role: "img", "aria-label": `${target ?? t("all_targets")}: ${said}` }, bars),
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
        [t("tokens"), (row) => brief(row.tokens_in + row.tokens_out), "number"],
        [t("cost"), (row) => costs(row.cost), "number"],
      ],
      rows.slice(0, 8),
    ),
  );
}

const LEVELS = {
  well: "good",
  paced: "accent",
  cooling: "fair",
  "half-open": "fair",
  open: "bad",
  off: null,
};

/** How somebody fares, and when they are asked again, counting down. */
export function state(each) {
  const left = each.until ? h("span", { class: "muted number", "data-until": each.until }) : null;
  return [badge(t(`state_${each.state.replace("-", "_")}`), LEVELS[each.state]), " ", left];
}

function countdown(root) {
  for (const node of root.querySelectorAll("[data-until]")) {
    const left = Number(node.dataset.until) - Date.now() / 1000;
    node.textContent = left > 0 ? span(left) : "";
  }
}

function keys(list) {
  if (!list.length) return card(t("credentials"), null, h("p", { class: "empty" }, t("no_keys")));
  return card(
    t("credentials"),
    null,
    table(
      [
        [t("upstream"), (key) => [key.title, h("br"), h("small", { class: "mono" }, key.label ?? key.id)]],
        [t("state"), (key) => [state(key), key.why && h("div", {}, h("small", {}, key.why))]],
        [t("today"), (key) => count(key.today), "number"],
      ],
      list,
    ),
  );
}

function targets(list, drawn, failed) {
  const resting = list.filter((each) => each.state !== "well");
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
        [t("name"), (each) => h("span", { class: "mono" }, each.target)],
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
