// Who could be relied on, and when: a strip of bars for each target, grey where nothing was asked.

import { card, h } from "../dom.js";
import { DASH, clock, share, span, t } from "../say.js";

const STEPS = { minute: 60, hour: 3600, day: 86400 };
const MOST_BARS = 96;

/**
 * `whole` is the course of all requests, `targets` have the points `[start, asked, failed]` of each: a failure
 * counts against who failed, also where another then answered.
 */
export function availability(whole, targets) {
  const seconds = STEPS[whole.step] * Math.ceil(whole.points.length / MOST_BARS);
  const all = whole.points.map((each) => bar(each.start, each.requests, each.failed + each.broken));
  const rows = targets.map(({ target, points }) => {
    const known = new Map(points.map(([start, ...counts]) => [start, counts]));
    const bars = whole.points.map(({ start }) => bar(start, ...(known.get(start) ?? [0, 0])));
    return strip(target, bars);
  });
  const said = h("small", {}, t("each_bar", { span: span(seconds) }));
  return card(t("availability"), said, h("div", { class: "stack" }, strip(t("all_targets"), all), rows));
}

const bar = (start, asked, failed) => ({ start, asked, failed });

function strip(name, bars) {
  const [asked, failed] = ["asked", "failed"].map((each) => bars.reduce((sum, bar) => sum + bar[each], 0));
  const said = asked ? share(1 - failed / asked) : DASH;
  return h(
    "div",
    { class: "course" },
    h(
      "div",
      { class: "row spread" },
      h("span", { class: "mono" }, name),
      h("span", { class: "muted number" }, said),
    ),
    h("div", { class: "strip", role: "img", "aria-label": `${name}: ${said}` }, joined(bars).map(drawn)),
  );
}

/** Neighbours together, where there are more bars than can be told apart. */
function joined(bars) {
  const each = Math.ceil(bars.length / MOST_BARS);
  const first = bars.length % each;
  const made = first ? [bars.slice(0, first)] : [];
  for (let at = first; at < bars.length; at += each) made.push(bars.slice(at, at + each));
  return made.map((some) =>
    bar(
      some[0].start,
      some.reduce((sum, { asked }) => sum + asked, 0),
      some.reduce((sum, { failed }) => sum + failed, 0),
    ),
  );
}

function drawn({ start, asked, failed }) {
  const level = asked ? (failed === 0 ? "good" : failed < asked / 2 ? "fair" : "bad") : null;
  return h("i", { "data-level": level, title: `${clock(start)}: ${t("of_failed", { failed, all: asked })}` });
}
