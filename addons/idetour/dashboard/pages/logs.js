// The log as it is written, by level and by what is looked for.

import { get } from "../api.js";
import { button, choice, fill, h, settled } from "../dom.js";
import { clock, t } from "../say.js";

const MOST = 1000; // lines on the page, and in a file
const FIRST = 300; // lines that are read when it opens
const LEVELS = ["debug", "info", "warning", "error"];

export async function mount(root, { hear, failed }) {
  const asked = { level: "info", search: "" };
  let held = false;
  const lines = h("div", { class: "log", tabindex: "0", role: "log", "aria-label": t("logs") });
  const place = h("small", { class: "mono" });
  const search = h("input", {
    type: "search",
    placeholder: t("search"),
    "aria-label": t("search"),
    oninput: settled(() => {
      asked.search = search.value.trim();
      load();
    }),
  });
  const levels = LEVELS.map((each) => [each, t(`level_${each}`)]);
  const level = choice(t("level"), levels, asked.level, (value) => {
    asked.level = value;
    load();
  });
  const hold = button(
    t("hold"),
    () => {
      held = !held;
      hold.textContent = t(held ? "go_on" : "hold");
      if (!held) load();
    },
    "",
  );
  const tools = h("div", { class: "row tools" }, search, level, hold, button(t("download"), download, ""));
  fill(root, h("div", { class: "row spread" }, h("h1", {}, t("logs")), tools), lines, place);

  function put(entry) {
    const low = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40; // who reads further up is not dragged away
    lines.append(h("div", { "data-level": entry.level }, written(entry, clock(entry.at))));
    while (lines.childElementCount > MOST) lines.firstElementChild.remove();
    if (low) lines.scrollTop = lines.scrollHeight;
  }

  async function load() {
    try {
      const found = await get("/logs", { ...asked, limit: FIRST });
      fill(lines, !found.lines.length && h("p", { class: "muted" }, t("nothing_yet")));
      found.lines.toReversed().forEach(put);
      place.textContent = found.file ?? "";
    } catch (error) {
      failed(error);
    }
  }

  /** What is asked for, as a file: more of it than the page shows. */
  async function download() {
    try {
      const found = await get("/logs", { ...asked, limit: MOST });
      const text = found.lines
        .toReversed()
        .map((entry) => `${written(entry, new Date(entry.at * 1000).toISOString())}\n`)
        .join("");
      const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
      h("a", { href: address, download: "idetour.log" }).click();
      URL.revokeObjectURL(address);
    } catch (error) {
      failed(error);
    }
  }

  const wanted = ({ level: found, text }) =>
    LEVELS.indexOf(found) >= LEVELS.indexOf(asked.level) &&
    text.toLowerCase().includes(asked.search.toLowerCase());

  hear((event) => {
    if (event.type !== "log" || held || !wanted(event)) return;
    lines.querySelector(":scope > p")?.remove(); // there was nothing yet
    put(event);
  });
  await load();
}

const written = ({ level, request, text }, time) =>
  [time, level === "info" ? null : level, text, request].filter(Boolean).join("  ");
