// From nothing to the first answer: a key, the way to the IDE, trust, and the first request, ticked off as it comes.

import { get, stream } from "../api.js";
import { badge, card, copier, fill, h, marked } from "../dom.js";
import { t } from "../say.js";
import { recipes } from "../recipes.js";

const LEVELS = { ok: "good", note: "fair", broken: "bad" };

export async function mount(root, { live, failed }) {
  const [setup, usage] = await Promise.all([get("/setup"), get("/usage", { since: "30d" })]);
  setup.base = `${location.origin}/v1`;
  const answered = usage.totals.ok > 0;
  const first = step(
    t("step_first"),
    answered,
    h("p", { class: "muted", role: "status" }, t(answered ? "first_done" : "first_waits")),
    command(curl(setup)),
  );
  const steps = h("ol", { class: "steps" }, key(setup.keys), first, way(setup, answered), trust(setup));
  fill(root, h("h1", {}, t("setup")), card(t("first_steps"), null, steps), doctor(failed));
  return live.on((event) => {
    if (event.type !== "request" || event.outcome !== "ok" || first.dataset.done === "true") return;
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

function key({ found, lacking }) {
  const named = lacking.slice(0, 4).map(({ variable }) => `export ${variable}=…`);
  const said = found.length ? t("keys_found", { names: found.join(", ") }) : t("keys_none");
  const lines = !found.length && named.length > 0 && command(named.join("\n"));
  return step(
    t("step_key"),
    found.length,
    h("p", {}, marked(said)),
    lines,
    h("p", { class: "muted" }, marked(t("keys_kept"))),
  );
}

function curl({ base, example, access }) {
  const body = JSON.stringify({
    model: example,
    stream: true,
    messages: [{ role: "user", content: "hello" }],
  });
  const key = access ? " -H 'Authorization: Bearer YOUR_ACCESS_KEY'" : "";
  return `curl -N ${base}/chat/completions${key} -H 'content-type: application/json' -d '${body}'`;
}

/** How each tool is pointed here. */
function way(setup, answered) {
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
    answered,
    h("div", { class: "row" }, h("label", {}, t("your_tool"), " ", choose)),
    place,
  );
}

function trust({ hosts }) {
  const when = h("p", {}, marked(t("trust_when", { hosts: hosts.join(", ") })));
  return step(
    t("step_trust"),
    false,
    when,
    command("idetour cert install"),
    h("p", { class: "muted" }, marked(t("ca_lies"))),
  );
}

/** Every hop as it is tried. */
function doctor(failed) {
  const place = h("ul", { class: "stack" });
  const said = h("p", { class: "muted", role: "status" }, t("doctor_is"));
  const go = h("button", { type: "button", onclick: run }, t("examine"));
  async function run() {
    go.disabled = true;
    fill(place);
    fill(said, t("examining"));
    try {
      await stream("/doctor", {}, (data) => {
        const event = JSON.parse(data);
        if (event.type === "finding") place.append(finding(event));
        else
          fill(
            said,
            event.error ?? (event.open ? t("road_open") : t("road_broken", { hop: event.first_broken })),
          );
      });
    } catch (error) {
      failed(error);
    } finally {
      go.disabled = false;
    }
  }
  return card(t("doctor"), go, said, place);
}

function finding({ hop, state, text, remedy }) {
  return h(
    "li",
    { class: "finding" },
    badge(t(`hop_${state}`), LEVELS[state]),
    h("div", {}, h("strong", {}, hop), " ", text, remedy && h("pre", {}, remedy)),
  );
}
