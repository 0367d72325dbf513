// Label sets and label matchers as people type them: `env=prod role=web`, `env="prod",role=~"web|db"`.

export type Labels = Record<string, string>;

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

export function quote(value: string): string {
  return `"${value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n")}"`;
}

/** `env="prod",role="web"`. */
export function formatMatchers(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${quote(value)}`)
    .join(",");
}

export interface ParsedLabels {
  labels: Labels;
  error?: string;
}

/** `env=prod, role=web` (commas or spaces) to labels; says which part is wrong. */
export function parseLabels(text: string): ParsedLabels {
  const labels: Labels = {};
  for (const item of text.split(/[\s,]+/).filter(Boolean)) {
    const at = item.indexOf("=");
    const name = at > 0 ? item.slice(0, at) : "";
    const value = item.slice(at + 1).replace(/^"(.*)"$/, "$1");
    if (!NAME.test(name) || value === "") {
      return { labels, error: `"${item}" is not a label: write name=value, such as env=prod.` };
    }
    labels[name] = value;
  }
  return { labels };
}

export function writeLabels(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(", ");
}

/** web-2 before web-10. */
export const naturalCompare = new Intl.Collator("en", { numeric: true, sensitivity: "base" }).compare;
