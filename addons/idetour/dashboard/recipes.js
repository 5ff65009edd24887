// How each tool is pointed at idetour: lines to paste, and what has to be known besides.

import { t } from "./say.js";

/** `[{id, title, note, lines}]`, the commonest first. `base` ends with `/v1`; `access`: which key is asked for, if one is. */
export function recipes({ base, example: model, access }) {
  const root = base.replace(/\/v1$/, "");
  const key = access ? "YOUR_ACCESS_KEY" : "anything";
  return [
    {
      id: "trae",
      title: "Trae",
      note: t("recipe_trae", { key }),
      lines: [base, model],
    },
    { id: "openai", title: t("recipe_any"), note: t("recipe_any_note", { key }), lines: [base, model] },
    {
      id: "claude",
      title: "Claude Code",
      lines: [`ANTHROPIC_BASE_URL=${root} ANTHROPIC_AUTH_TOKEN=${key} claude --model ${model}`],
    },
    {
      id: "codex",
      title: "Codex",
      note: t("recipe_codex"),
      lines: [
        `model = "${model}"\nmodel_provider = "idetour"\n\n[model_providers.idetour]\nname = "idetour"\nbase_url = "${base}"\nwire_api = "responses"`,
      ],
    },
    {
      id: "qwen",
      title: "Qwen Code",
      lines: [`OPENAI_BASE_URL=${base} OPENAI_API_KEY=${key} OPENAI_MODEL=${model} qwen`],
    },
    {
      id: "sdk",
      title: "OpenAI SDK (Python)",
      lines: [
        `from openai import OpenAI\nclient = OpenAI(base_url="${base}", api_key="${key}")\nprint(client.chat.completions.create(model="${model}", messages=[{"role": "user", "content": "hello"}]).choices[0].message.content)`,
      ],
    },
    {
      id: "proxy",
      title: t("recipe_proxy"),
      note: t("recipe_proxy_note"),
      lines: [
        `export HTTPS_PROXY=${root} NODE_EXTRA_CA_CERTS="$(idetour cert path)" SSL_CERT_FILE="$(idetour cert path)"`,
      ],
    },
  ];
}
