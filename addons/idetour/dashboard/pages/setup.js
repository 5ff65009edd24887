// From nothing to the first answer: a key, the way to the IDE, trust, and the first request, ticked off as it comes.

import { get } from "../api.js";
import { badge, card, copier, fill, h, marked } from "../dom.js";
import { t } from "../say.js";
import { recipes } from "../recipes.js";

const LEVELS = { ok: "good", broken: "bad", skipped: null, unknown: "fair" };

export async function mount(root, { live, failed }) {
  const [setup, models] = await Promise.all([get("/setup"), get("/models")]);
  const first = h(
    "li",
    { "data-done": String(setup.first_ok) },
    h(
      "div",
      {},
      h("h2", {}, t("step_first")),
      h("p", { class: "muted", role: "status" }, t(setup.first_ok ? "first_done" : "first_waits")),
      command(curl(setup)),
    ),
  );
  const ready = models.upstreams.filter((each) => each.ready && each.needs_key);
  fill(
    root,
    h("h1", {}, t("setup")),
    card(
      t("first_steps"),
      null,
      h("ol", { class: "steps" }, key(models.upstreams, ready), first, way(setup), trust(setup)),
    ),
    doctor(failed),
  );
  return live.on((event) => {
    if (event.type !== "request" || event.request.outcome !== "ok" || first.dataset.done === "true") return;
    first.dataset.done = "true";
    first.querySelector("[role=status]").textContent = t("first_done");
  });
}

function step(title, done, ...content) {
  return h(
    "li",
    { "data-done": String(Boolean(done)) },
    h("div", { class: "stack", style: { gap: "8px" } }, h("h2", {}, title), ...content),
  );
}

/** A line to copy. */
function command(text) {
  return h(
    "div",
    { class: "row", style: { "flex-wrap": "nowrap", "align-items": "start" } },
    h("pre", { class: "grow" }, text),
    copier(() => text, t("copy"), t("copied")),
  );
}

function key(upstreams, ready) {
  const lacking = upstreams.filter((each) => each.needs_key && !each.ready && each.key_names.length);
  const named = lacking.slice(0, 4).map((each) => `export ${each.key_names[0]}=…`);
  const said = ready.length
    ? t("keys_found", { names: ready.map((each) => each.title).join(", ") })
    : t("keys_none");
  return step(
    t("step_key"),
    ready.length,
    h("p", {}, marked(said)),
    !ready.length && command(named.join("\n")),
    h("p", { class: "muted" }, marked(t("keys_kept"))),
  );
}

function curl({ base_url: base, example_model: model, access_key_needed: closed }) {
  const body = JSON.stringify({ model, stream: true, messages: [{ role: "user", content: "hello" }] });
  return `curl -N ${base}/chat/completions${closed ? " -H 'Authorization: Bearer YOUR_ACCESS_KEY'" : ""} -H 'content-type: application/json' -d '${body}'`;
}

/** How each tool is pointed here. */
function way(setup) {
  const found = recipes(setup);
  const place = h("div", { class: "stack" });
  const choose = h(
    "select",
    { "aria-label": t("your_tool"), onchange: (event) => show(event.target.value) },
    found.map((each) => h("option", { value: each.id }, each.title)),
  );
  const show = (id) => {
    localStorage.setItem("tool", id);
    const { lines, note } = found.find((each) => each.id === id);
    fill(place, note && h("p", {}, marked(note)), lines.map(command));
  };
  const last = localStorage.getItem("tool");
  choose.value = found.some((each) => each.id === last) ? last : found[0].id;
  show(choose.value);
  return step(
    t("step_way"),
    setup.first_ok,
    h("div", { class: "row" }, h("label", {}, t("your_tool"), " ", choose)),
    place,
  );
}

function trust({ ca_file: file, ca_trusted: trusted, hosts }) {
  return step(
    t("step_trust"),
    trusted,
    h("p", {}, marked(t("trust_when", { hosts: hosts.join(", ") }))),
    command("idetour cert install"),
    file && h("p", { class: "muted" }, t("ca_lies"), " ", h("code", {}, file)),
  );
}

function doctor(failed) {
  const place = h("div");
  const go = h("button", { type: "button", onclick: run }, t("examine"));
  async function run() {
    go.disabled = true;
    fill(place, h("p", { class: "muted", role: "status" }, t("examining")));
    try {
      const { hops } = await get("/doctor");
      fill(place, h("ul", { class: "stack", style: { gap: "8px" } }, hops.map(hop)));
    } catch (error) {
      if (error.code === "not_here") fill(place, h("p", {}, marked(t("doctor_terminal"))));
      else failed(error);
    } finally {
      go.disabled = false;
    }
  }
  return card(t("doctor"), go, h("p", { class: "muted" }, t("doctor_is")), place);
}

function hop({ title, state, said, remedy }) {
  return h(
    "li",
    { class: "row", style: { "align-items": "start", "flex-wrap": "nowrap" } },
    badge(t(`hop_${state}`), LEVELS[state]),
    h("div", {}, h("strong", {}, title), " ", said, remedy && h("pre", {}, remedy)),
  );
}
