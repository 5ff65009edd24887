// The doctor: every hop from the IDE to the model as it is tried.

import { stream } from "../api.js";
import { badge, button, card, fill, h } from "../dom.js";
import { t } from "../say.js";

const LEVELS = { ok: "good", note: "fair", broken: "bad" };

export function doctor(failed) {
  const place = h("ul", { class: "stack close-set" });
  const said = h("p", { class: "muted", role: "status" }, t("doctor_is"));
  const go = button(t("examine"), run, "");
  async function run() {
    go.disabled = true;
    fill(place);
    fill(said, t("examining"));
    try {
      await stream("/doctor", {}, (data) => {
        const event = JSON.parse(data);
        if (event.type === "finding") place.append(finding(event));
        else fill(said, h("strong", {}, event.error ?? verdict(event)));
      });
    } catch (error) {
      fill(said, t("doctor_is"));
      failed(error);
    } finally {
      go.disabled = false;
    }
  }
  return card(t("doctor"), go, h("div", { class: "stack" }, said, place));
}

const verdict = ({ open, first_broken: hop }) => (open ? t("road_open") : t("road_broken", { hop }));

function finding({ hop, state, text, remedy }) {
  return h(
    "li",
    { class: "finding" },
    badge(t(`hop_${state}`), LEVELS[state]),
    h("div", {}, h("strong", {}, hop), " ", text, remedy && h("pre", {}, remedy)),
  );
}
