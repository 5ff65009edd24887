// A login to Qwen: begin it, confirm it in another tab, hear that it is done. The codes stay with idetour.

import { post } from "./api.js";
import { fill, h } from "./dom.js";

const ENTRY = { class: "entry stack" };
begin();

function begin(problem) {
  const name = h("input", {
    id: "account",
    value: "default",
    pattern: "[A-Za-z0-9][A-Za-z0-9_.\\-]{0,39}",
    required: true,
  });
  show(
    problem && h("p", { class: "notice", "data-level": "bad", role: "alert" }, problem),
    h(
      "form",
      { onsubmit: submit },
      h("label", { for: "account" }, "Account / 账号名"),
      name,
      h("button", { class: "first" }, "Log in / 登录"),
    ),
  );

  async function submit(event) {
    event.preventDefault();
    try {
      await confirm(await post("/login", { account: name.value }));
    } catch (error) {
      begin(error.status === 401 ? enter() : error.message);
    }
  }
}

/** Show where to confirm, and ask until somebody has. */
async function confirm(login) {
  const link = h(
    "a",
    { href: login.verification_uri, target: "_blank", rel: "noopener noreferrer" },
    login.verification_uri,
  );
  const state = h("p", { role: "status" }, "Waiting for you to confirm … / 等待确认 …");
  show(
    h("p", { class: "notice", "data-level": "fair" }, login.message),
    h("p", {}, "Open this page and confirm / 打开此页面并确认: ", link),
    h("p", {}, "Code / 验证码: ", h("code", {}, login.user_code)),
    state,
  );
  let said = { status: "pending" };
  while (said.status === "pending") said = await post("/login/poll", { device_code: login.device_code });
  state.textContent = `Logged in as ${said.account} / 已登录: ${said.account}`;
}

function enter() {
  return h(
    "span",
    {},
    "First open the dashboard with the link that idetour printed (idetour status link), then come back. / 请先用 idetour 打印的链接打开控制台，再回到此页。 ",
    h("a", { href: "/admin" }, "/admin"),
  );
}

function show(...content) {
  fill(document.body, h("main", ENTRY, h("h1", {}, "Log in to Qwen / 登录 Qwen"), ...content));
}
