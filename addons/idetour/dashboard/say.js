// Words, numbers and times in the reader's language.

import { words } from "./words.js";

const stored = localStorage.getItem("language");
export let language = stored ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");

export function speak(chosen) {
  language = chosen;
  localStorage.setItem("language", chosen);
  document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
}

/** The words under `key`, with `{name}` replaced. */
export function t(key, values = {}) {
  const pair = words[key];
  if (!pair) throw new Error(`there are no words for ${key}`);
  return pair[language === "zh" ? 1 : 0].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

const locale = () => (language === "zh" ? "zh-CN" : "en");

/** What is unknown is a dash, never 0. */
export const DASH = "–";

export function count(value) {
  return value === null || value === undefined ? DASH : new Intl.NumberFormat(locale()).format(value);
}

/** 1234567 as 1.2M or 123万. */
export function brief(value) {
  return value === null || value === undefined
    ? DASH
    : new Intl.NumberFormat(locale(), { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

/** `part` of 1 as per cent. */
export function share(part) {
  return part === null || part === undefined
    ? DASH
    : new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: 1 }).format(part);
}

export function money(amount, currency) {
  if (amount === null || amount === undefined) return DASH;
  if (!currency) return t("free");
  const digits = amount !== 0 && Math.abs(amount) < 0.1 ? 4 : 2;
  return new Intl.NumberFormat(locale(), {
    style: "currency",
    currency,
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(amount);
}

/** Seconds as people say them: 83 ms, 2.4 s, 3 min. */
export function span(seconds) {
  if (seconds === null || seconds === undefined) return DASH;
  if (seconds < 1) return `${Math.round(seconds * 1000)}\u00a0ms`;
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 1 : 0)}\u00a0s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)}\u00a0min`;
  return seconds < 172800
    ? `${rounded(seconds / 3600)}\u00a0h`
    : t("days", { count: rounded(seconds / 86400) });
}

const rounded = (number) => String(Math.round(number * 10) / 10);

/** A time of day; with the date when it was not today. `at` in seconds since 1970. */
export function clock(at) {
  const time = new Date(at * 1000);
  const today = time.toDateString() === new Date().toDateString();
  const how = { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false };
  return new Intl.DateTimeFormat(locale(), today ? how : { month: "short", day: "numeric", ...how }).format(
    time,
  );
}

/** For an axis: the hour, or the day. */
export function hour(at, day) {
  const how = day
    ? { month: "short", day: "numeric" }
    : { hour: "2-digit", minute: "2-digit", hour12: false };
  return new Intl.DateTimeFormat(locale(), how).format(new Date(at * 1000));
}
