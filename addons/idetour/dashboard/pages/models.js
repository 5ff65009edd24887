// Who can be asked: try one, shift the weights, switch one off, and see what the profile makes of a request.

import { get, post } from "../api.js";
import { answerBox } from "../answer.js";
import { badge, card, dialog, fill, h, seldom, table } from "../dom.js";
import { DASH, brief, count, money, share, t } from "../say.js";
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
  let said = { models: [], targets: {} };
  let resting = new Map();
  const names = h("div");
  const field = h("input", {
    type: "search",
    placeholder: t("search"),
    "aria-label": t("search"),
    oninput: sift,
  });
  fill(places.models, card(t("can_be_asked"), field, names));
  fill(places.dry, dryRun(failed));

  function sift() {
    const wanted = said.models.filter(({ name }) => name.toLowerCase().includes(field.value.toLowerCase()));
    fill(
      names,
      listed(
        wanted.map((each) => told(each, said.targets, resting)),
        acted,
      ),
    );
  }

  async function drawModels() {
    const [models, status] = await Promise.all([get("/models"), get("/status")]);
    said = models;
    resting = new Map(
      status.targets.filter(({ state }) => state !== "healthy").map((each) => [each.target, each]),
    );
    sift();
  }

  async function draw() {
    const [weights, profile] = await Promise.all([get("/weights"), get("/profile"), drawModels()]);
    fill(places.profile, problems(profile));
    fill(
      places.weights,
      Object.entries(said.routes).flatMap(([route, rules]) =>
        sliders(route, rules, weights.differs[route] ?? {}, acted),
      ),
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
    else if (event.type === "cleared" || event.type === "weights" || event.stage === "ended") again();
  });
  return () => {
    deaf();
    stop();
  };
}

/** A name with what is known of the first target that it leads to. */
function told(each, targets, resting) {
  const known = targets[each.targets[0]] ?? {};
  return {
    ...each,
    context: known.context,
    images: known.images,
    price: known.price,
    resting: each.targets.filter((target) => resting.has(target)).map((target) => resting.get(target)),
  };
}

function listed(models, acted) {
  if (!models.length) return h("p", { class: "empty" }, t("nothing_found"));
  const columns = [
    [t("name"), (each) => [h("span", { class: "mono" }, each.name), " ", badge(t(`kind_${each.kind}`))]],
    [
      t("goes_to"),
      (each) => h("small", { class: "mono" }, each.kind === "target" ? DASH : each.targets.join(", ")),
      "wide",
    ],
    [t("window"), (each) => brief(each.context), "number wide"],
    [t("price"), (each) => priced(each.price), "number wide"],
    [t("state"), fares],
    ["", (each) => h("div", { class: "row" }, actions(each, acted))],
  ];
  return table(columns, models);
}

/** In and out, for a million tokens; the cheapest where it depends on how many there are. */
function priced(price) {
  if (!price) return DASH;
  const { input, output } = price.tiers[0];
  return `${price.tiers.length > 1 ? "≥ " : ""}${money(input, price.currency)} / ${money(output, price.currency)}`;
}

function fares({ ready, resting }) {
  if (!ready) return badge(t("not_ready"), "fair");
  return resting.length ? resting.map(state) : badge(t("state_healthy"), "good");
}

function actions({ name, ready, resting }, acted) {
  const button = (label, onclick, disabled) =>
    h("button", { type: "button", class: "small", disabled, onclick }, label);
  return [
    button(t("test"), () => test(name), !ready),
    resting.map(({ target }) => button(t("ask_again"), () => acted("/clear", { target }))),
  ];
}

/** Ask one model something, and watch the answer come. */
function test(model) {
  const { box, ask, stop } = answerBox(model);
  const prompt = h("textarea", { "aria-label": t("prompt") }, t("test_prompt"));
  const send = () => {
    fill(place, box);
    ask("/test", { model, text: prompt.value });
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

/** A card for each rule of a route that has a choice: its weights, and what they will do, before it is done. */
function sliders(route, rules, differs, acted) {
  return rules
    .filter(({ use }) => Object.keys(use).length > 1)
    .map((rule) => {
      const values = new Map(Object.entries(rule.use));
      const said = new Map();
      const changed = [...values.keys()].some((name) => name in differs);
      const tell = () => {
        const all = [...values.values()].reduce((sum, each) => sum + each, 0);
        for (const [name, node] of said) node.textContent = all ? share(values.get(name) / all) : DASH;
        apply.disabled = !all;
      };
      const body = [...values].map(([name, weight]) => {
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
        });
        slide.addEventListener("input", () => {
          values.set(name, Math.round(slide.value * 10) / 10);
          tell();
        });
        return h("div", { class: "row" }, h("span", { class: "mono weighed" }, name), slide, shown);
      });
      const apply = h(
        "button",
        {
          type: "button",
          class: "first small",
          onclick: () => acted("/weights", { [route]: Object.fromEntries(values) }),
        },
        t("apply"),
      );
      const was = Object.fromEntries(
        [...values.keys()].map((name) => [name, differs[name]?.was ?? rule.use[name]]),
      );
      const reset =
        changed &&
        h(
          "button",
          { type: "button", class: "small", onclick: () => acted("/weights", { [route]: was }) },
          t("as_in_profile"),
        );
      tell();
      const when =
        rule.when &&
        Object.entries(rule.when)
          .map(([word, value]) => `${word}: ${[value].flat().join(", ")}`)
          .join(" · ");
      const title = [t("weights_of", { route }), when && h("small", {}, " ", when)];
      return card(
        title,
        [changed && badge(t("differs"), "fair"), reset, apply],
        h("p", { class: "muted" }, t("weights_do")),
        h("div", { class: "stack" }, body),
      );
    });
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
      each.source && h("pre", {}, each.source),
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
  const example = { model: "gpt-4o", messages: [{ role: "user", content: t("test_prompt") }] };
  const field = h(
    "textarea",
    { "aria-label": t("dry_run"), spellcheck: "false" },
    JSON.stringify(example, null, 2),
  );
  const place = h("div", { class: "stack" });
  const go = async () => {
    let request = null;
    try {
      request = JSON.parse(field.value);
    } catch (error) {
      return fill(
        place,
        h("p", { class: "notice", "data-level": "bad", role: "alert" }, t("no_json", { why: error.message })),
      );
    }
    try {
      fill(place, explained(await post("/explain", { request })));
    } catch (error) {
      failed(error);
    }
  };
  const button = h("button", { type: "button", class: "first", onclick: go }, t("explain"));
  return card(
    t("dry_run"),
    null,
    h(
      "div",
      { class: "stack" },
      h("p", { class: "muted" }, t("dry_run_is")),
      field,
      h("div", { class: "row" }, button),
      place,
    ),
  );
}

function explained({ why, rules, candidates, refused, tokens, kind }) {
  if (refused) return h("p", { class: "notice", "data-level": "fair" }, refused);
  const word = ({ word: name, holds, why: said }) =>
    h("li", {}, badge(name, holds ? "good" : null), " ", said);
  const rule = ({ number, met, words, use }) =>
    h(
      "li",
      { "data-done": String(met) },
      h(
        "div",
        {},
        h("strong", { class: "mono" }, use.join(", ")),
        h("ul", {}, words.map(word)),
        !words.length && h("small", {}, t("always")),
      ),
    );
  const asked = candidates.map(({ target, ready }) =>
    h("li", {}, h("span", { class: "mono" }, target), " ", !ready && badge(t("not_ready"), "fair")),
  );
  return [
    h(
      "p",
      {},
      h("strong", {}, why),
      h("span", { class: "muted" }, ` · ${t("about_tokens", { count: count(tokens) })} · ${kind}`),
    ),
    rules.length > 0 && h("ol", { class: "steps" }, rules.map(rule)),
    h("h3", {}, t("asked_in_order")),
    h("ol", { class: "order" }, asked),
  ];
}
