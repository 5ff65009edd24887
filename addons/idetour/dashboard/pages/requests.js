// Every request: a table that holds still while new ones come, and is opened into one of them.

import { get } from "../api.js";
import { badge, button, choice, fill, h, line, seldom, settled, table } from "../dom.js";
import { DASH, brief, clock, count, money, span, t } from "../say.js";
import { one, outcomeOf } from "./request.js";

const OUTCOMES = ["ok", "failed", "broken", "left", "stopped", "refused", "running"];
const PAGE = 50;
const MOST_NEW = 999;
const ANNOUNCE_SECONDS = 1;

export async function mount(root, { hear, leaving, rest, failed }) {
  let rows = [];
  let older = null; // where the next page begins
  const waiting = new Set(); // ids of what came since, and is not shown yet
  const asked = { search: "", outcome: "" };
  const news = h("button", { type: "button", class: "first small", hidden: true, onclick: load });
  const list = h("div");
  const search = h("input", {
    type: "search",
    placeholder: t("search_requests"),
    "aria-label": t("search_requests"),
    oninput: settled(() => {
      asked.search = search.value.trim();
      load();
    }),
  });
  const outcomes = [["", t("every_outcome")], ...OUTCOMES.map((each) => [each, t(`outcome_${each}`)])];
  const outcome = choice(t("outcome"), outcomes, "", (value) => {
    asked.outcome = value;
    load();
  });
  const said = h("span", { class: "row", role: "status" }, news);
  const tools = h("div", { class: "row tools" }, said, search, outcome);
  fill(root, h("div", { class: "row spread" }, h("h1", {}, t("requests")), tools), list);

  const columns = [
    [t("time"), when, "when"],
    [
      t("asked"),
      (row) => [
        h("span", { class: "mono" }, row.asked || row.path),
        h("small", { class: "under" }, row.client || row.door),
      ],
    ],
    [t("answered_by"), answeredBy],
    [t("outcome"), outcomeOf, "outcome"],
    [t("tokens"), tokensOf, "number"],
    [t("first_byte"), (row) => span(row.first_token), "number spare"],
    [t("total"), (row) => span(row.total), "number"],
    [t("cost"), (row) => money(row.cost, row.currency), "number spare"],
  ];

  function when(row) {
    const open = (event) => {
      event.preventDefault(); // the list stays as it is behind the request
      history.pushState(null, "", `#/requests/${row.id}`);
      one(row.id).catch(failed);
    };
    return h("a", { class: "number opens", href: `#/requests/${row.id}`, onclick: open }, clock(row.began));
  }

  async function load() {
    waiting.clear();
    try {
      ({ requests: rows, next: older } = await get("/requests", { ...asked, limit: PAGE }));
      rows.forEach(({ id }) => waiting.delete(id));
      announce();
      draw();
    } catch (error) {
      failed(error);
    }
  }

  function draw() {
    if (!rows.length) return fill(list, asked.search || asked.outcome ? nothing() : none());
    const further = older && h("div", { class: "further" }, button(t("older"), append, ""));
    const made = table(columns, rows);
    made.classList.add("requests");
    made.querySelectorAll("tbody tr").forEach((node, index) => {
      node.dataset.id = rows[index].id;
    });
    fill(list, h("div", { class: "card" }, made, further));
  }

  async function append() {
    try {
      const found = await get("/requests", { ...asked, limit: PAGE, before: older });
      rows.push(...found.requests);
      older = found.next;
      draw();
    } catch (error) {
      failed(error);
    }
  }

  function announce() {
    const much = waiting.size > MOST_NEW ? `${count(MOST_NEW)}+` : count(waiting.size);
    news.hidden = waiting.size === 0;
    news.textContent = t("new_count", { count: much });
  }

  /** A request that is shown changes where it stands; another waits until it is asked for. */
  function heard(row) {
    const index = rows.findIndex((each) => each.id === row.id);
    if (index < 0) {
      if (!wanted(row)) return;
      if (rows.length === 0 && !asked.search && !asked.outcome) return load();
      if (waiting.size <= MOST_NEW) waiting.add(row.id);
      return soon();
    }
    rows[index] = row;
    const node = list.querySelector(`tr[data-id="${CSS.escape(row.id)}"]`);
    if (!node) return;
    const fresh = line(columns, row);
    fresh.dataset.id = row.id;
    const focused = node.contains(document.activeElement);
    node.replaceWith(fresh);
    if (focused) fresh.querySelector("a").focus();
  }

  /** Whether a request belongs into what is asked for. */
  function wanted(row) {
    const text = [row.id, row.asked, row.target, row.error].join(" ").toLowerCase();
    return (!asked.outcome || row.outcome === asked.outcome) && text.includes(asked.search.toLowerCase());
  }

  const [soon, stop] = seldom(announce, ANNOUNCE_SECONDS); // to draw it for each event would cost as much as all else
  leaving(stop);
  hear((event) => {
    if (event.type === "request") heard(event);
  });
  await load();
  if (rest[0]) one(rest[0]).catch(failed);
}

const nothing = () => h("p", { class: "card empty" }, t("nothing_found"));
const none = () =>
  h("div", { class: "card empty" }, h("p", {}, t("no_requests")), h("a", { href: "#/setup" }, t("to_setup")));

function answeredBy(row) {
  const tried = row.tries > 1 && badge(t("attempt_count", { count: row.tries }), "fair");
  return [h("span", { class: "mono" }, row.target ?? DASH), tried && [" ", tried]];
}

function tokensOf({ tokens, counted }) {
  if (!tokens) return DASH;
  return `${counted === "estimate" ? "≈ " : ""}${brief(tokens.prompt)} → ${brief(tokens.completion)}`;
}
