// The weights of routes as sliders, with what they will do before it is done.

import { badge, button, card, h } from "../dom.js";
import { DASH, share, t } from "../say.js";

const LEAST_RANGE = 10;

/** A card for each rule that has a choice. `apply({route: …})` sets weights of a route, or of one rule by its number; `reset()` goes back to the profile. */
export function weights(routes, differs, { apply, reset }) {
  const cards = Object.entries(routes).flatMap(([route, rules]) =>
    rules.flatMap((rule, at) => {
      const names = Object.keys(rule.use);
      const number = String(at + 1);
      const other = differs[route] ?? {};
      const changed = names.some((name) => name in other || name in (other[number] ?? {}));
      const alone = rules.length === 1;
      const set = (said) => apply({ [route]: alone ? said : { [number]: said } });
      const title = alone ? t("weights_of", { route }) : t("weights_of_rule", { route, number });
      return names.length > 1 ? [sliders(title, rule, changed, set)] : [];
    }),
  );
  if (!cards.length) return [];
  const back = Object.keys(differs).length > 0 && button(t("as_in_profile"), reset);
  return [h("div", { class: "row spread" }, h("p", { class: "muted" }, t("weights_do")), back), cards];
}

function sliders(title, { use, when }, changed, apply) {
  const values = new Map(Object.entries(use));
  const said = new Map();
  const whole = [...values.values()].every(Number.isInteger);
  const changes = () => [...values].filter(([name, value]) => value !== use[name]);
  const send = button(t("apply"), () => apply(Object.fromEntries(changes())), "first small");
  const tell = () => {
    const all = [...values.values()].reduce((sum, each) => sum + each, 0);
    for (const [name, node] of said) node.textContent = all ? share(values.get(name) / all) : DASH;
    send.disabled = !all || !changes().length;
  };
  const lines = [...values].map(([name, weight]) => {
    const shown = h("output", { class: "number share" });
    said.set(name, shown);
    const slide = h("input", {
      type: "range",
      min: "0",
      max: String(Math.max(LEAST_RANGE, weight * 2)),
      step: whole ? "1" : "0.1",
      value: String(weight),
      "aria-label": name,
      oninput: () => {
        values.set(name, Number(slide.value));
        tell();
      },
    });
    return h("div", { class: "weighed" }, h("span", { class: "mono" }, name), slide, shown);
  });
  const aside = [changed && badge(t("differs"), "fair"), send];
  tell();
  return card([title, when && h("small", {}, " ", conditions(when))], aside, lines);
}

const conditions = (when) =>
  Object.entries(when)
    .map(([word, value]) => `${word}: ${[value].flat().map(legible).join(", ")}`)
    .join(" · ");

const legible = (value) => (typeof value === "object" ? JSON.stringify(value) : value);
