// Who can be asked: try one, shift the weights, switch one off, and see what the profile makes of a request.

import { get, post } from "../api.js";
import { answerBox } from "../answer.js";
import { badge, card, dialog, fill, h, seldom, table } from "../dom.js";
import { DASH, brief, share, t } from "../say.js";
import { state } from "./overview.js";

const REFRESH_SECONDS = 4;

export async function mount(root, { live, failed }) {
  const places = {
    profile: h("div"),
    models: h("div"),
    weights: h("div", { class: "stack" }),
    dry: h("div"),
  };
  fill(root, h("h1", {}, t("models")), Object.values(places));
  let said = [];
  let known = new Map();
  const sift = () =>
    fill(
      names,
      listed(
        said.filter(({ name }) => name.toLowerCase().includes(wanted())),
        known,
        acted,
      ),
    );
  const field = h("input", {
    type: "search",
    placeholder: t("search"),
    "aria-label": t("search"),
    oninput: sift,
  });
  const wanted = () => field.value.toLowerCase();
  const names = h("div");
  fill(places.models, card(t("can_be_asked"), field, names));
  fill(places.dry, dryRun(failed));

  async function drawModels() {
    const [models, status] = await Promise.all([get("/models"), get("/status")]);
    said = models.models;
    known = new Map((status.targets ?? []).map((each) => [each.target, each]));
    sift();
  }

  async function draw() {
    const [weights, profile] = await Promise.all([get("/weights"), get("/profile"), drawModels()]);
    fill(places.profile, problems(profile));
    fill(
      places.weights,
      weights.routes.map((each) => sliders(each, acted)),
    );
  }

  async function acted(path, body) {
    try {
      await post(path, body);
      await draw();
    } catch (error) {
      failed(error);
    }
  }

  const [again, stop] = seldom(() => drawModels().catch(failed), REFRESH_SECONDS); // not the sliders: one may be held
  await draw();
  const deaf = live.on((event) => {
    if (event.type === "profile") draw().catch(failed);
    else if (event.type === "target") again();
  });
  return () => {
    deaf();
    stop();
  };
}

function listed(models, known, acted) {
  if (!models.length) return h("p", { class: "empty" }, t("nothing_found"));
  const resting = (each) =>
    each.targets.map((target) => known.get(target)).filter((found) => found && found.state !== "well");
  return table(
    [
      [t("name"), (each) => [h("span", { class: "mono" }, each.name), " ", badge(t(`kind_${each.kind}`))]],
      [
        t("goes_to"),
        (each) => h("small", { class: "mono" }, each.kind === "target" ? DASH : each.targets.join(", ")),
        "wide",
      ],
      [t("window"), (each) => brief(each.context), "number wide"],
      [
        t("can"),
        (each) =>
          ["images", "tools", "thinking"]
            .filter((word) => each[word])
            .map((word) => [badge(t(`can_${word}`)), " "]),
        "wide",
      ],
      [t("state"), (each) => fares(each, resting(each))],
      ["", (each) => h("div", { class: "row" }, actions(each, resting(each), acted))],
    ],
    models,
  );
}

function fares(each, resting) {
  if (!each.ready) return [badge(t("not_ready"), "fair"), h("div", {}, h("small", {}, each.why_not))];
  if (each.enabled === false) return badge(t("state_off"));
  return resting.length ? resting.map(state) : badge(t("state_well"), "good");
}

function actions(each, resting, acted) {
  const button = (label, onclick, disabled) =>
    h("button", { type: "button", class: "small", disabled, onclick }, label);
  return [
    button(t("test"), () => test(each.name), !each.ready),
    each.kind === "target" &&
      button(t(each.enabled === false ? "enable" : "disable"), () =>
        acted("/models/enabled", { target: each.name, enabled: each.enabled === false }),
      ),
    resting.map(({ target }) => button(t("ask_again"), () => acted("/clear", { target }))),
  ];
}

/** Ask one model something, and watch the answer come. */
function test(model) {
  const { box, ask, stop } = answerBox(model);
  const prompt = h("textarea", { "aria-label": t("prompt") }, t("test_prompt"));
  const send = () => {
    fill(place, box);
    ask("/test", { model, prompt: prompt.value });
  };
  const place = h("div");
  const shown = dialog(
    t("test_of", { model }),
    prompt,
    h("div", { class: "row" }, h("button", { type: "button", class: "first", onclick: send }, t("send"))),
    place,
  );
  shown.addEventListener("close", stop);
  send();
}

/** One rule's weights. What they will do is said beside each before it is done. */
function sliders(rule, acted) {
  const values = new Map(rule.use.map(({ name, weight }) => [name, weight]));
  const said = new Map();
  const tell = () => {
    const all = [...values.values()].reduce((sum, each) => sum + each, 0);
    for (const [name, node] of said) node.textContent = all ? share(values.get(name) / all) : DASH;
    apply.disabled = !all;
  };
  const row = ({ name, weight }) => {
    const shown = h("output", { class: "number" });
    said.set(name, shown);
    const slide = h("input", {
      type: "range",
      min: "0",
      max: String(Math.max(10, weight * 2)),
      step: "any",
      value: String(weight),
      "aria-label": name,
      class: "grow",
      oninput: (event) => {
        values.set(name, Math.round(event.target.value * 10) / 10);
        tell();
      },
    });
    return h(
      "div",
      { class: "row" },
      h("span", { class: "mono", style: { "min-width": "14rem" } }, name),
      slide,
      shown,
    );
  };
  const body = rule.use.map(row);
  const apply = h(
    "button",
    {
      type: "button",
      class: "first small",
      onclick: () =>
        acted("/weights", { route: rule.route, rule: rule.rule, weights: Object.fromEntries(values) }),
    },
    t("apply"),
  );
  const reset =
    rule.differs &&
    h(
      "button",
      {
        type: "button",
        class: "small",
        onclick: () => acted("/weights/reset", { route: rule.route, rule: rule.rule }),
      },
      t("as_in_profile"),
    );
  tell();
  const title = `${rule.route}${rule.when ? ` · ${rule.when}` : ""}`;
  return card(
    title,
    [rule.differs && badge(t("differs"), "fair"), reset, apply],
    h("p", { class: "muted" }, t("weights_do")),
    h("div", { class: "stack" }, body),
  );
}

function problems({ file, text, problems: found, warnings }) {
  const said = [
    ...(found ?? []).map((each) => ({ ...each, level: "bad" })),
    ...(warnings ?? []).map((message) => ({ message, level: "fair" })),
  ];
  const list = said.map((each) =>
    h(
      "div",
      { class: "notice", "data-level": each.level },
      h("strong", {}, each.line ? t("line", { line: each.line }) : ""),
      " ",
      each.message,
      each.hint && h("div", {}, each.hint),
      each.source_line && h("pre", {}, each.source_line),
    ),
  );
  const marks = new Map((found ?? []).filter((each) => each.line).map((each) => [each.line, each]));
  const numbered = (text ?? "")
    .split("\n")
    .map((line, index) =>
      h(
        "div",
        { class: marks.has(index + 1) ? "notice" : null, "data-level": marks.has(index + 1) ? "bad" : null },
        `${String(index + 1).padStart(3)}  ${line}`,
      ),
    );
  return card(
    t("profile"),
    h("small", { class: "mono" }, file),
    h(
      "div",
      { class: "stack" },
      list,
      h("details", { open: marks.size > 0 }, h("summary", {}, t("show_profile")), h("pre", {}, numbered)),
    ),
  );
}

/** What would become of a request, without sending it. */
function dryRun(failed) {
  const field = h(
    "textarea",
    { "aria-label": t("dry_run"), spellcheck: "false" },
    JSON.stringify({ model: "gpt-4o", messages: [{ role: "user", content: t("test_prompt") }] }, null, 2),
  );
  const place = h("div", { class: "stack" });
  const go = async () => {
    try {
      fill(place, explained(await post("/explain", { body: field.value })));
    } catch (error) {
      failed(error);
    }
  };
  return card(
    t("dry_run"),
    null,
    h(
      "div",
      { class: "stack" },
      h("p", { class: "muted" }, t("dry_run_is")),
      field,
      h("div", { class: "row" }, h("button", { type: "button", class: "first", onclick: go }, t("explain"))),
      place,
    ),
  );
}

function explained(said) {
  return h("pre", {}, said.text ?? JSON.stringify(said, null, 2));
}
