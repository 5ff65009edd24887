// Who can be asked: try one, shift the weights, switch one off, and see what the profile makes of a request.

import { get, post, remove } from "../api.js";
import { answerBox } from "../answer.js";
import { badge, button, card, dialog, fill, h, seldom, table } from "../dom.js";
import { DASH, brief, clock, count, money, t } from "../say.js";
import { state } from "./overview.js";
import { dryRun, profile } from "./profile.js";
import { weights } from "./weights.js";

const REFRESH_SECONDS = 4;

export async function mount(root, { hear, leaving, failed }) {
  const stack = () => h("div", { class: "stack" });
  const places = { profile: h("div"), models: h("div"), weights: stack(), quirks: h("div"), dry: h("div") };
  fill(root, h("h1", {}, t("models")), Object.values(places));
  let said = { models: [], targets: {}, off: [] };
  let resting = new Map();
  const names = h("div");
  const field = h("input", {
    type: "search",
    placeholder: t("search"),
    "aria-label": t("search"),
    oninput: sift,
  });
  fill(places.models, card(t("can_be_asked"), field, names));

  function sift() {
    const word = field.value.toLowerCase();
    const wanted = said.models.filter(({ name }) => name.toLowerCase().includes(word));
    fill(
      names,
      listed(
        wanted.map((each) => told(each, said, resting)),
        act,
      ),
    );
  }

  async function drawModels() {
    const [models, status] = await Promise.all([get("/models"), get("/status")]);
    said = models;
    resting = new Map(
      status.targets.filter(({ state }) => state !== "healthy").map((each) => [each.target, each]),
    );
    if (!names.contains(document.activeElement)) sift(); // nobody's button goes while it is pressed
  }

  async function draw() {
    const asked = [get("/weights"), get("/profile"), get("/quirks"), drawModels()];
    const [{ differs }, read, { quirks }] = await Promise.all(asked);
    fill(places.profile, profile(read));
    const apply = (changed) => act(() => post("/weights", changed));
    const reset = () => act(() => remove("/weights"));
    fill(places.weights, weights(said.routes, differs, { apply, reset }));
    fill(places.quirks, quirks.length > 0 && learned(quirks, act));
  }

  /** Have something done, and show what it did. */
  async function act(work) {
    try {
      await work();
      document.activeElement?.blur();
      await draw();
    } catch (error) {
      failed(error);
    }
  }

  const [again, stop] = seldom(() => drawModels().catch(failed), REFRESH_SECONDS); // not the sliders: one may be held
  leaving(stop);
  hear((event) => {
    if (event.type === "profile") draw().catch(failed);
    else if (["cleared", "weights", "switches"].includes(event.type) || event.stage === "ended") again();
  });
  await draw();
  fill(places.dry, dryRun(Object.keys(said.routes)[0] ?? said.models[0]?.name, failed));
}

/** A name with what is known of the first target that it leads to. */
function told(each, { targets, off }, resting) {
  const { context, price } = targets[each.targets[0]] ?? {};
  return {
    ...each,
    context,
    price,
    off: each.targets.filter((target) => off.includes(target)),
    resting: each.targets.filter((target) => resting.has(target)).map((target) => resting.get(target)),
  };
}

function listed(models, act) {
  if (!models.length) return h("p", { class: "empty" }, t("nothing_found"));
  const columns = [
    [t("name"), (each) => [h("span", { class: "mono" }, each.name), " ", badge(t(`kind_${each.kind}`))]],
    [
      t("goes_to"),
      (each) => h("small", { class: "mono" }, each.kind === "target" ? DASH : each.targets.join(", ")),
    ],
    [t("window"), (each) => brief(each.context), "number spare"],
    [t("price"), (each) => priced(each.price), "number spare"],
    [t("state"), fares],
    ["", (each) => h("div", { class: "row" }, actions(each, act)), "actions"],
  ];
  return table(columns, models);
}

/** In and out, for a million tokens; the cheapest where it depends on how many there are. */
function priced(price) {
  if (!price) return DASH;
  const { input, output } = price.tiers[0];
  if (!input && !output) return t("free");
  return `${price.tiers.length > 1 ? "≥ " : ""}${money(input, price.currency)} / ${money(output, price.currency)}`;
}

function fares({ ready, resting, targets, off }) {
  if (!ready) return badge(t("not_ready"), "fair");
  if (off.length === targets.length) return badge(t("switched_off"));
  return resting.length
    ? resting.map((each) => h("div", {}, state(each)))
    : badge(t("state_healthy"), "good");
}

function actions({ name, ready, resting, targets, off }, act) {
  const [target, ...others] = targets;
  const turn = () => act(() => post("/switches", { target, on: off.length > 0 }));
  const tried = button(t("test"), () => test(name));
  tried.disabled = !ready;
  return [
    tried,
    resting.map((each) => button(t("ask_again"), () => act(() => post("/clear", { target: each.target })))),
    others.length === 0 && button(t(off.length ? "switch_on" : "switch_off"), turn),
  ];
}

/** Ask one model something, and watch the answer come. */
function test(model) {
  const { box, ask, stop } = answerBox(model);
  const prompt = h("textarea", { "aria-label": t("prompt"), class: "short" }, t("test_prompt"));
  const send = () => ask("/test", { model, text: prompt.value });
  const row = h("div", { class: "row" }, button(t("send"), send, "first"), button(t("stop"), stop, ""));
  const shown = dialog(t("test_of", { model }), h("div", { class: "stack" }, prompt, row, box));
  shown.addEventListener("close", stop);
  send();
}

/** What targets were found not to take. */
function learned(quirks, act) {
  const forget = ({ target, field }) => act(() => remove("/quirks", { target, field }));
  const columns = [
    [t("target"), ({ target }) => h("span", { class: "mono" }, target)],
    [
      t("quirk"),
      ({ what, why }) => [h("span", { class: "mono" }, what), h("small", { class: "under" }, why)],
    ],
    [t("since"), ({ since }) => clock(since), "number"],
    [t("hits"), ({ hits }) => count(hits), "number"],
    ["", (each) => button(t("forget"), () => forget(each)), "actions"],
  ];
  return card(t("quirks"), null, h("p", { class: "muted" }, t("quirks_are")), table(columns, quirks));
}
