// Elements without a framework: `h` makes one, and what it is given is text, never markup.

import { t } from "./say.js";

/** `h("a", {href, class, onclick}, "text", node, [more])`. A value of null, undefined or false is left out. */
export function h(tag, given = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") node[name] = value;
    else if (name === "style")
      for (const [key, each] of Object.entries(value)) node.style.setProperty(key, each);
    else node.setAttribute(name, value === true ? "" : value);
  }
  append(node, children);
  return node;
}

export function append(node, children) {
  for (const child of [children].flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
  return node;
}

/** Put `children` in the place of what `node` holds. */
export function fill(node, ...children) {
  node.replaceChildren();
  return append(node, children);
}

/** A button that copies `text()` and says so for a moment. */
export function copier(text, label, done) {
  const button = h("button", { type: "button", class: "small" }, label);
  button.addEventListener("click", async () => {
    await copy(text());
    button.textContent = done;
    setTimeout(() => {
      button.textContent = label;
    }, 1500);
  });
  return button;
}

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = h("textarea", { class: "offscreen" }); // by plain HTTP from another machine there is no clipboard
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

/** A dialog over the page; Escape and a click beside it close it. */
export function dialog(title, ...content) {
  const close = h(
    "button",
    { type: "button", class: "plain close", "aria-label": t("close"), onclick: () => box.close() },
    "×",
  );
  const box = h("dialog", { "aria-label": title }, h("header", {}, h("h2", {}, title), close), ...content);
  box.addEventListener("click", (event) => {
    if (event.target === box) box.close();
  });
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  return box;
}

/** Text with `code` in it, as nodes. */
export function marked(text) {
  return text.split("`").map((part, index) => (index % 2 ? h("code", {}, part) : part));
}

/** A small word with a colour: good, fair, bad or accent. */
export function badge(text, level) {
  return h("span", { class: "badge", "data-level": level }, text);
}

/** A table whose columns are `[heading, cell(row), class]`. Where it is narrow, each row becomes a card. */
export function table(columns, rows) {
  const heads = columns.map(([heading, , kind]) =>
    h("th", { class: kind, scope: "col" }, heading || h("span", { class: "offscreen" }, t("actions"))),
  );
  const body = rows.map((row) => line(columns, row));
  return h("table", { class: "list" }, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, body));
}

export function line(columns, row) {
  const cells = columns.map(([heading, cell, kind]) =>
    h("td", { class: kind, "data-label": heading }, cell(row)),
  );
  return h("tr", {}, cells);
}

/** Call `work` when there was nothing new for a moment: for what is typed. */
export function settled(work, milliseconds = 250) {
  let timer = null;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, milliseconds);
  };
}

/** A select with `[value, text]` for each option. */
export function choice(label, options, chosen, change) {
  const made = options.map(([value, text]) => h("option", { value, selected: value === chosen }, text));
  return h("select", { "aria-label": label, onchange: (event) => change(event.target.value) }, made);
}

export function button(text, onclick, kind = "small") {
  return h("button", { type: "button", class: kind, onclick }, text);
}

/** A card with a heading, and things at its right. */
export function card(title, aside, ...content) {
  return h(
    "section",
    { class: "card" },
    h("header", {}, h("h2", {}, title), aside && h("div", { class: "row" }, aside)),
    ...content,
  );
}

/** Call `work` now and then: at most once in `seconds`, and not while nobody looks. Returns [ask, stop]. */
export function seldom(work, seconds) {
  let timer = null;
  let last = performance.now();
  const run = () => {
    timer = null;
    if (document.hidden) return;
    last = performance.now();
    work();
  };
  const ask = () => {
    timer ??= setTimeout(run, Math.max(0, last + seconds * 1000 - performance.now()));
  };
  const seen = () => {
    if (!document.hidden) ask();
  };
  document.addEventListener("visibilitychange", seen);
  return [
    ask,
    () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
    },
  ];
}
