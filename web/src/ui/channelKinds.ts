// What the dashboard knows of each kind of channel: its name and its fields. A new kind is a row of this table.
import type { ChannelConfig } from "@/api/types";

export type ChannelKind = ChannelConfig["kind"];
type Value = string | string[] | number | boolean | null;

export interface ChannelField {
  name: string;
  label: string;
  /** `text` when absent. A `list` is text with commas, a `url` must begin as one. */
  as?: "text" | "url" | "secret" | "list" | "number" | "flag" | "choice";
  initial?: Value;
  /** May be left empty. */
  optional?: boolean;
  placeholder?: string;
  hint?: string;
  choices?: { value: string; label: string }[];
  /** What to do when it is missing. */
  missing?: string;
}

interface KindRow {
  label: string;
  fields: ChannelField[];
  /** Where it goes, on one line; the URL when absent. */
  target?: (value: (name: string) => string) => string;
}

const SECURITY = [
  { value: "starttls", label: "STARTTLS (587)" },
  { value: "tls", label: "TLS (465)" },
  { value: "plain", label: "None (25), only inside your network" },
];

const url = (placeholder: string, hint: string): ChannelField => ({
  name: "url",
  label: "URL",
  as: "url",
  placeholder,
  hint,
  missing: "Enter the URL, with https://.",
});

const apiUrl: ChannelField = {
  name: "api_url",
  label: "Server",
  as: "url",
  optional: true,
  hint: "Only for a gateway or region of your own; left empty, it is the provider's.",
};

const KINDS: Record<ChannelKind, KindRow> = {
  webhook: {
    label: "Webhook",
    fields: [
      url("https://example.com/hook", "The hub sends JSON by POST."),
      {
        name: "secret",
        label: "Signing secret",
        initial: "",
        optional: true,
        hint: "Signs each body with HMAC-SHA256. Left empty, the hub makes one and shows it with the first test.",
      },
    ],
  },
  slack: {
    label: "Slack, Mattermost or Rocket.Chat",
    fields: [url("https://hooks.slack.com/services/…", "An incoming webhook of the chat.")],
  },
  slack_app: {
    label: "Slack app",
    target: (value) => `conversation ${value("channel")}`,
    fields: [
      {
        name: "token",
        label: "Bot's token",
        as: "secret",
        placeholder: "xoxb-…",
        hint: "Of an app with the scope chat:write.",
        missing: "Enter the bot's token.",
      },
      {
        name: "signing_secret",
        label: "Signing secret",
        as: "secret",
        hint: "Of the app's basic information. Its request URL for interactivity is /integrations/slack/actions of this hub.",
        missing: "Enter the signing secret.",
      },
      {
        name: "channel",
        label: "Conversation",
        placeholder: "C024BE91L",
        hint: "Its id, at the end of its details in Slack. The app must be in it.",
        missing: "Enter the conversation's id.",
      },
      apiUrl,
    ],
  },
  email: {
    label: "Email",
    target: (value) => `${value("to")} by ${value("host")}`,
    fields: [
      {
        name: "to",
        label: "To",
        as: "list",
        initial: [],
        placeholder: "ops@example.com",
        hint: "Several addresses with commas.",
        missing: "Enter at least one recipient.",
      },
      {
        name: "from",
        label: "From",
        placeholder: "watchtower@example.com",
        missing: "Enter the sender's address.",
      },
      { name: "host", label: "Mail server", missing: "Enter the mail server." },
      { name: "port", label: "Port", as: "number", initial: 587, missing: "Enter the port." },
      { name: "security", label: "Encryption", as: "choice", initial: "starttls", choices: SECURITY },
      { name: "username", label: "User", optional: true },
      { name: "password", label: "Password", as: "secret", optional: true },
    ],
  },
  ntfy: {
    label: "ntfy",
    fields: [
      url("https://ntfy.sh/my-topic", "Server and topic. Who knows the topic can read it."),
      { name: "token", label: "Access token", as: "secret", optional: true },
    ],
  },
  discord: {
    label: "Discord",
    fields: [url("https://discord.com/api/webhooks/…", "A webhook of the channel.")],
  },
  teams: {
    label: "Microsoft Teams",
    fields: [url("https://…", "Of a workflow that posts to a channel when a webhook request is received.")],
  },
  google_chat: {
    label: "Google Chat",
    fields: [url("https://chat.googleapis.com/v1/spaces/…", "A webhook of the space.")],
  },
  telegram: {
    label: "Telegram",
    target: (value) => `chat ${value("chat")}`,
    fields: [
      { name: "token", label: "Bot's token", as: "secret", missing: "Enter the bot's token." },
      {
        name: "chat",
        label: "Chat",
        placeholder: "-1001234567890",
        hint: "Its number, or the @name of a public channel. The bot must be in it.",
        missing: "Enter the chat.",
      },
      apiUrl,
    ],
  },
  pushover: {
    label: "Pushover",
    target: (value) => value("api_url") || "Pushover",
    fields: [
      {
        name: "token",
        label: "Application's token",
        as: "secret",
        missing: "Enter the application's token.",
      },
      {
        name: "user",
        label: "User key",
        as: "secret",
        hint: "Of a person or a group. What is critical rings until somebody has it.",
        missing: "Enter the user key.",
      },
      apiUrl,
    ],
  },
  twilio: {
    label: "SMS or call (Twilio)",
    target: (value) => value("phone"),
    fields: [
      { name: "account", label: "Account SID", placeholder: "AC…", missing: "Enter the account's SID." },
      { name: "token", label: "Auth token", as: "secret", missing: "Enter the auth token." },
      {
        name: "from",
        label: "From",
        placeholder: "+15005550006",
        hint: "One of your numbers, or a messaging service (MG…).",
        missing: "Enter the number that sends.",
      },
      { name: "phone", label: "To", placeholder: "+4930123456", missing: "Enter the number to reach." },
      { name: "voice", label: "Call instead of writing", as: "flag", initial: false },
      apiUrl,
    ],
  },
  pagerduty: {
    label: "PagerDuty",
    target: (value) => value("api_url") || "PagerDuty",
    fields: [
      {
        name: "routing_key",
        label: "Integration key",
        as: "secret",
        hint: "Of an Events API v2 integration. Incidents open and end there too.",
        missing: "Enter the integration key.",
      },
      apiUrl,
    ],
  },
  web_push: {
    label: "Browser (web push)",
    fields: [
      url("https://…", "Browsers make theirs: Settings, Users, Notifications, Notify this browser."),
      { name: "key", label: "Public key", missing: "Enter the browser's public key." },
      { name: "auth", label: "Secret", as: "secret", missing: "Enter the browser's secret." },
    ],
  },
};

export const CHANNEL_KINDS = (Object.keys(KINDS) as ChannelKind[]).map((value) => ({
  value,
  label: KINDS[value].label,
}));

export function fieldsOf(kind: ChannelKind): ChannelField[] {
  return KINDS[kind].fields;
}

export function emptyConfig(kind: ChannelKind): ChannelConfig {
  const values = fieldsOf(kind).map((field) => [field.name, field.initial ?? (field.optional ? null : "")]);
  return { kind, ...Object.fromEntries(values) };
}

export function fieldValue(config: ChannelConfig, field: ChannelField): Value {
  return (config as Record<string, Value>)[field.name] ?? null;
}

/** Where a channel goes, as far as it may be seen. */
export function targetOf(config: ChannelConfig): string {
  const value = (name: string) =>
    String((config as Record<string, unknown>)[name] ?? "").replaceAll(",", ", ");
  return (KINDS[config.kind].target ?? ((of) => of("url")))(value);
}

/** The configuration with another value; an optional text that was emptied is absent. */
export function withValue(config: ChannelConfig, field: ChannelField, value: Value): ChannelConfig {
  const absent = field.optional && value === "" && field.initial === undefined;
  return { ...config, [field.name]: absent ? null : value } as ChannelConfig;
}

/** What is missing, as a sentence; undefined when it can be saved. */
export function missingIn(config: ChannelConfig): string | undefined {
  for (const field of fieldsOf(config.kind)) {
    const value = fieldValue(config, field);
    const empty =
      value === null || value === "" || value === 0 || (Array.isArray(value) && value.length === 0);
    if (empty && !field.optional) return field.missing;
    if (!empty && field.as === "url" && !/^https?:\/\/.+/.test(String(value)))
      return `Enter the ${field.label === "URL" ? "URL" : "server"}, with https://.`;
  }
  return undefined;
}
