// The log as it is written, by level and by what is looked for.

import { get } from "../api.js";
import { fill, h } from "../dom.js";
import { clock, t } from "../say.js";

const MOST = 1000; // lines on the page
const LEVELS = ["debug", "info", "warning", "error"];

export async function mount(root, { live }) {
  let least = LEVELS.indexOf("info");
  let wanted = "";
  let held = false;
  const lines = h("div", { class: "log", tabindex: "0", role: "log", "aria-label": t("logs") });
  const search = h("input", {
    type: "search",
    placeholder: t("search"),
    "aria-label": t("search"),
    oninput: (event) => {
      wanted = event.target.value.toLowerCase();
      sift();
    },
  });
  const level = h(
    "select",
    {
      "aria-label": t("level"),
      onchange: (event) => {
        least = LEVELS.indexOf(event.target.value);
        load();
      },
    },
    LEVELS.map((each) => h("option", { value: each, selected: each === LEVELS[least] }, t(`level_${each}`))),
  );
  const hold = h(
    "button",
    {
      type: "button",
      "aria-pressed": "false",
      onclick: () => {
        held = !held;
        hold.setAttribute("aria-pressed", held);
        hold.textContent = t(held ? "go_on" : "hold");
        if (!held) load();
      },
    },
    t("hold"),
  );
  fill(
    root,
    h(
      "div",
      { class: "row spread" },
      h("h1", {}, t("logs")),
      h("div", { class: "row" }, search, level, hold),
    ),
    lines,
  );

  function put(entry) {
    const low = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40; // who reads further up is not dragged away
    const node = h(
      "div",
      { "data-level": entry.level },
      `${clock(entry.at)}  ${entry.request ? `${entry.request}  ` : ""}${entry.text}`,
    );
    node.hidden = !matches(entry, node);
    node.entry = entry;
    lines.append(node);
    while (lines.childElementCount > MOST) lines.firstElementChild.remove();
    if (low) lines.scrollTop = lines.scrollHeight;
  }

  const matches = (entry, node) =>
    LEVELS.indexOf(entry.level) >= least && node.textContent.toLowerCase().includes(wanted);

  function sift() {
    for (const node of lines.children) node.hidden = !matches(node.entry, node);
  }

  async function load() {
    const found = await get("/logs", { level: LEVELS[least], limit: 300 });
    fill(lines);
    found.lines.toReversed().forEach(put);
    if (!found.lines.length) fill(lines, h("p", { class: "muted" }, t("nothing_yet")));
  }

  await load();
  return live.on((event) => {
    if (event.type !== "log" || held || LEVELS.indexOf(event.level) < least) return;
    if (lines.firstElementChild && !lines.firstElementChild.entry) fill(lines);
    put(event);
  });
}
