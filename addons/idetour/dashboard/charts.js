// Lines and bars over time, in the page's own colours.

import { h } from "./dom.js";
import { clock, hour, t } from "./say.js";

const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000];
const SPARSE = 31; // points of a line that are each marked

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A canvas cannot resolve `light-dark(…)`: let the browser do it. */
function resolved(name) {
  const probe = h("i", { style: { color: colour(name) } });
  document.body.append(probe);
  const made = getComputedStyle(probe).color;
  probe.remove();
  return made;
}

/**
 * A chart in a box that follows its width. `series` are `{label, colour, bars, format}`, `data` is
 * `[times, values, …]`. Returns the box and how to put new data in, which also ends it: `update(null)`.
 */
export function chart(label, series, data) {
  const box = h("div", { class: "chart", role: "img", "aria-label": label });
  let plot = null;
  const draw = () => {
    plot?.destroy();
    plot = box.clientWidth
      ? new uPlot(options(series, box.clientWidth, data[0].length <= SPARSE), data, box)
      : null;
  };
  const size = new ResizeObserver(() => {
    if (plot && plot.width !== box.clientWidth) plot.setSize({ width: box.clientWidth, height: plot.height });
    else if (!plot) draw();
  });
  const light = new MutationObserver(draw); // another theme has other colours
  const system = matchMedia("(prefers-color-scheme: dark)");
  size.observe(box);
  light.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  system.addEventListener("change", draw);

  function update(fresh) {
    if (fresh) {
      data = fresh;
      plot?.setData(data);
      return;
    }
    size.disconnect();
    light.disconnect();
    system.removeEventListener("change", draw);
    plot?.destroy();
  }
  return [box, update];
}

/** Half a step more at both ends, so that the outer bars are whole. */
function wider({ data: [times] }, low, high) {
  const half = times.length > 1 ? (times[1] - times[0]) / 2 : 30;
  return [low - half, high + half];
}

/** Where nobody points, the legend tells of the end. */
function latest(plot) {
  if (plot.legend.idx === null || plot.legend.idx === undefined)
    plot.setLegend({ idx: plot.data[0].length - 1 }, false);
}

function options(series, width, sparse) {
  const grid = { stroke: resolved("--line"), width: 1 };
  const axis = { stroke: resolved("--muted"), grid, ticks: grid, font: `12px ${colour("--sans")}` };
  const bars = uPlot.paths.bars({ size: [0.7, 24], radius: 0.15 });
  return {
    width,
    height: 200,
    legend: { live: true },
    cursor: { points: { size: 7 }, drag: { x: false, y: false } },
    scales: {
      x: { range: wider },
      y: { range: (_, low, high) => [0, (high || 1) * 1.08] },
    },
    hooks: { setLegend: [latest] },
    axes: [
      { ...axis, values: (_, times, _axis, _space, step) => times.map((at) => hour(at, step >= 86400)) },
      {
        ...axis,
        size: 62,
        incrs: series[0].bars ? WHOLE : undefined,
        values: (_, values) => values.map(series[0].format),
      },
    ],
    series: [
      { label: t("time"), value: (_, at) => (at ? clock(at) : "–") },
      ...series.map((each) => ({
        label: each.label,
        stroke: resolved(each.colour),
        fill: each.bars ? resolved(each.colour) : undefined,
        paths: each.bars ? bars : undefined,
        points: { show: !each.bars && sparse, size: 5, fill: resolved(each.colour) }, // one alone has no line
        width: each.bars ? 0 : 2,
        spanGaps: true,
        value: (_, value) => (value === null || value === undefined ? "–" : each.format(value)),
      })),
    ],
  };
}
