// From nothing to the first answer: a key, the first request, the way to the IDE, trust; ticked off as it comes.

import { get } from "../api.js";
import { badge, card, choice, copier, fill, h, marked } from "../dom.js";
import { t } from "../say.js";
import { recipes } from "../recipes.js";
import { doctor } from "./doctor.js";

export async function mount(root, { hear, failed }) {
  let [answered, first] = [false, null];
  hear((event) => {
    if (answered || event.type !== "request" || event.outcome !== "ok") return;
    answered = true;
    first?.replaceWith(firstRequest(setup, true));
  });
  const [setup, usage] = await Promise.all([get("/setup"), get("/usage", { since: "30d" })]);
  setup.base = `${location.origin}/v1`;
  answered ||= usage.totals.ok > 0;
  first = firstRequest(setup, answered);
  const steps = h("ol", { class: "steps" }, key(setup.keys), first, way(setup), trust(setup, failed));
  fill(root, h("h1", {}, t("setup")), card(t("first_steps"), null, steps), doctor(failed));
}

function step(title, done, ...content) {
  return h(
    "li",
    { "data-done": String(Boolean(done)) },
    h("div", { class: "stack close-set" }, h("h2", {}, title), ...content),
  );
}

/** A line to copy. */
function command(text) {
  return h(
    "div",
    { class: "command" },
    h("pre", { tabindex: "0" }, text),
    copier(() => text, t("copy"), t("copied")),
  );
}

function key({ found, lacking }) {
  const named = lacking.slice(0, 4).map(({ variable }) => `export ${variable}=…`);
  const said = found.length ? t("keys_found", { names: found.join(", ") }) : t("keys_none");
  return step(
    t("step_key"),
    found.length,
    h("p", {}, marked(said)),
    !found.length && named.length > 0 && command(named.join("\n")),
    h("p", { class: "muted" }, marked(t("keys_kept"))),
    h(
      "p",
      { class: "muted" },
      marked(t("logins")),
      " ",
      h("a", { href: "/admin/login.html" }, t("qwen_login")),
    ),
  );
}

function firstRequest(setup, done) {
  const said = h("p", { role: "status" }, t(done ? "first_done" : "first_waits"));
  if (done) said.append(" ", h("a", { href: "#/requests" }, t("to_requests")));
  return step(t("step_first"), done, said, command(curl(setup)));
}

function curl({ base, example, access }) {
  const body = JSON.stringify({
    model: example,
    stream: true,
    messages: [{ role: "user", content: "hello" }],
  });
  const key = access ? " -H 'Authorization: Bearer YOUR_ACCESS_KEY'" : "";
  return `curl -N ${base}/chat/completions${key} -d '${body}'`;
}

/** How each tool is pointed here. */
function way(setup) {
  const found = recipes(setup);
  const place = h("div", { class: "stack close-set" });
  const show = (id) => {
    localStorage.setItem("tool", id);
    const { lines, note } = found.find((each) => each.id === id);
    fill(place, note && h("p", {}, marked(note)), lines.map(command));
  };
  const last = localStorage.getItem("tool");
  const chosen = found.some((each) => each.id === last) ? last : found[0].id;
  const tools = choice(
    t("your_tool"),
    found.map((each) => [each.id, each.title]),
    chosen,
    show,
  );
  show(chosen);
  return step(t("step_way"), false, h("div", { class: "row" }, tools), place);
}

const LEVELS = { trusted: "good", "not trusted": "fair", "cannot tell": "fair" };

/** Who trusts the authority. The stores are asked behind the page, since that takes seconds. */
function trust({ hosts }, failed) {
  const place = h("div", { class: "stack close-set" }, h("p", { class: "muted" }, t("looking")));
  get("/authority").then((found) => fill(place, authority(found)), failed);
  return step(
    t("step_trust"),
    false,
    h("p", {}, marked(t("trust_when", { hosts: hosts.join(", ") }))),
    place,
    command("idetour cert install"),
  );
}

function authority({ exists, problem, file, hosts, days_left: days, stores }) {
  if (!exists) return h("p", { class: "muted" }, t("no_authority"));
  const facts = [
    [t("file"), h("span", { class: "mono" }, file)],
    [t("vouches_for"), (hosts ?? []).join(", ")],
    [t("valid_for"), t("days", { count: days })],
  ];
  const pairs = facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
  const list = stores.map(({ title, state, text }) =>
    h(
      "li",
      { class: "finding" },
      badge(t(`trust_${state.replaceAll(" ", "_")}`), LEVELS[state] ?? "bad"),
      h("div", {}, h("strong", {}, title), " ", h("small", {}, text)),
    ),
  );
  return [
    problem && h("p", { class: "notice", "data-level": "fair" }, problem),
    file && h("dl", { class: "facts" }, pairs),
    h("ul", { class: "stack close-set" }, list),
  ];
}
