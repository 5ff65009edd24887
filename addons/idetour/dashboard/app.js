// The shell: who may enter, which page is shown, in which language and light.

import { Live, Refused, get, post, remove } from "./api.js";
import { dialog, fill, h, marked } from "./dom.js";
import * as logs from "./pages/logs.js";
import * as models from "./pages/models.js";
import * as overview from "./pages/overview.js";
import * as requests from "./pages/requests.js";
import * as setup from "./pages/setup.js";
import { language, speak, t } from "./say.js";

const PAGES = { overview, requests, models, setup, logs };
const REVIVE_SECONDS = 3;
const live = new Live();
let leave = () => {}; // ends what the page that is shown has begun
let wanted = 0; // counts the pages that were opened: one that loads slowly has been left meanwhile

addEventListener("hashchange", () => (location.hash.startsWith("#token=") ? enter() : show()));
addEventListener("keydown", shortcut);
live.on((event) => {
  if (event.type === "state") mark(event.state);
  if (event.state === "refused") revive();
  if (event.type === "hello" && event.gap) show(); // something was missed
});
dress(localStorage.getItem("theme") ?? "auto");
speak(language);
await enter();

/** Turn the link's token into a session, or see whether there is one; else ask for the token. */
async function enter() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) history.replaceState(null, "", location.pathname); // not to stand in the history
  try {
    if (token) await post("/session", { token });
    await get("/session");
  } catch (error) {
    return door(error.code === "link_used" ? t("used_link") : explain(error));
  }
  if (!location.hash && (await unused())) history.replaceState(null, "", "#/setup"); // who is new begins there
  await live.open(); // before anything is read: what changes after that is heard
  build();
  await show();
}

async function unused() {
  try {
    return !(await get("/requests", { limit: 1 })).requests.length;
  } catch {
    return false; // the page that needs them says what is wrong
  }
}

/** The events ended for good: the session is over, because idetour was started anew, or idetour is gone. */
async function revive() {
  try {
    await get("/session");
    live.open();
  } catch (error) {
    if (error.status === 401) return door(t("session_over"));
    setTimeout(revive, REVIVE_SECONDS * 1000);
  }
}

async function logOut() {
  try {
    await remove("/session");
    door();
  } catch (error) {
    told(document.getElementById("main"), error);
  }
}

function door(problem) {
  live.close();
  leave();
  leave = () => {};
  wanted += 1;
  const field = h("input", { type: "password", id: "token", autocomplete: "off", required: true });
  const form = h(
    "form",
    { onsubmit: submit },
    h("label", { for: "token" }, t("enter_token")),
    field,
    h("button", { class: "first" }, t("enter")),
  );
  const said = problem && h("p", { class: "notice", "data-level": "fair", role: "alert" }, problem);
  fill(
    document.body,
    h(
      "main",
      { class: "entry stack" },
      h("h1", {}, t("enter_title")),
      said,
      h("p", {}, marked(t("enter_why"))),
      form,
    ),
  );
  field.focus();

  async function submit(event) {
    event.preventDefault();
    try {
      await post("/session", { token: field.value.trim() });
    } catch (error) {
      return door(explain(error));
    }
    await enter();
  }
}

function build() {
  const link = (name, index) =>
    h("a", { href: `#/${name}`, id: `to-${name}` }, t(name), h("kbd", { "aria-hidden": "true" }, index + 1));
  const languages = h(
    "button",
    { type: "button", class: "small plain", "aria-label": t("language"), onclick: other },
    language === "zh" ? "English" : "中文",
  );
  const themes = h(
    "select",
    { class: "small", "aria-label": t("theme"), onchange: (event) => dress(event.target.value) },
    ["auto", "light", "dark"].map((each) =>
      h(
        "option",
        { value: each, selected: each === document.documentElement.dataset.theme },
        t(`theme_${each}`),
      ),
    ),
  );
  const out = h("button", { type: "button", class: "small plain", onclick: logOut }, t("log_out"));
  const side = h(
    "div",
    { class: "side" },
    h("div", { class: "brand" }, h("img", { src: "/admin/icon.svg", alt: "" }), h("span", {}, t("title"))),
    h("nav", { "aria-label": t("title") }, Object.keys(PAGES).map(link)),
    h(
      "footer",
      {},
      h("span", { class: "live", id: "live", role: "status" }),
      h("div", { class: "row" }, themes, languages, out),
    ),
  );
  const skip = h(
    "a",
    {
      class: "skip",
      href: "#main",
      onclick: (event) => {
        event.preventDefault();
        main.focus();
      },
    },
    t("skip"),
  );
  const main = h("main", { id: "main", tabindex: "-1" });
  fill(document.body, skip, h("div", { class: "shell" }, side, main));
  mark(live.state);

  function other() {
    speak(language === "zh" ? "en" : "zh");
    build();
    show();
  }
}

/** The page that the address names: `#/requests/req_…` is the page `requests` with one more word. */
async function show() {
  const main = document.getElementById("main");
  if (!main) return;
  const [, name = "", ...rest] = location.hash.split("/");
  const page = PAGES[name] ?? overview;
  leave();
  const turn = ++wanted;
  const ends = [];
  leave = () => ends.forEach((end) => end());
  for (const each of Object.keys(PAGES)) {
    const here = PAGES[each] === page;
    document.getElementById(`to-${each}`).toggleAttribute("aria-current", here);
    if (here) {
      document.getElementById(`to-${each}`).setAttribute("aria-current", "page");
      document.title = `${t(each)} · idetour`;
    }
  }
  const root = h("div", { class: "stack" });
  fill(main, root);
  main.setAttribute("aria-busy", "true");
  try {
    await page.mount(root, {
      hear: (listener) => ends.push(live.on(listener)), // before it reads: what changes meanwhile is not missed
      leaving: (end) => (turn === wanted ? ends.push(end) : end()),
      rest: rest.map(decodeURIComponent),
      failed: (error) => told(root, error),
    });
  } catch (error) {
    if (turn === wanted) told(root, error);
  }
  if (turn === wanted) main.removeAttribute("aria-busy");
}

/** Say what went wrong, above what is there. A session that ended leads back to the door. */
function told(root, error) {
  if (error instanceof Refused && error.status === 401) return door(explain(error));
  if (!(error instanceof Refused)) console.error(error);
  root.querySelector(":scope > .notice.failed")?.remove();
  root.prepend(h("p", { class: "notice failed", "data-level": "bad", role: "alert" }, explain(error)));
}

function explain(error) {
  if (error instanceof Refused && error.code === "unreachable") return t("unreachable");
  if (error instanceof Refused && error.code === "admin_token_required") return "";
  return t("failed", { why: error.message });
}

function mark(state) {
  const place = document.getElementById("live");
  if (!place) return;
  place.dataset.state = state;
  place.textContent = t(`live_${state}`);
}

function dress(theme) {
  localStorage.setItem("theme", theme);
  document.documentElement.dataset.theme = theme;
}

/** 1 to 5 open a page, / goes to the search field, ? says so. */
function shortcut(event) {
  if (
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    event.target.closest("input, select, textarea, dialog")
  )
    return;
  const name = Object.keys(PAGES)[Number(event.key) - 1];
  if (name) location.hash = `#/${name}`;
  else if (event.key === "/") {
    event.preventDefault();
    document.querySelector("main input[type=search]")?.focus();
  } else if (event.key === "?") {
    const keys = [
      [
        "1 – 5",
        Object.keys(PAGES)
          .map((each) => t(each))
          .join(" · "),
      ],
      ["/", t("search")],
      ["Esc", t("close")],
    ];
    dialog(
      t("shortcuts"),
      h(
        "dl",
        { class: "facts" },
        keys.map(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)]),
      ),
    );
  }
}
