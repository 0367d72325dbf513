// The fields of a channel, by its kind. A stored secret is shown as *** and kept when it stays so.
import type { ChannelConfig } from "@/api/types";
import { SelectField, TextField } from "./Field";

export type ChannelKind = ChannelConfig["kind"];
type EmailConfig = Extract<ChannelConfig, { kind: "email" }>;

export const CHANNEL_KINDS: { value: ChannelKind; label: string }[] = [
  { value: "webhook", label: "Webhook" },
  { value: "slack", label: "Slack, Mattermost or Rocket.Chat" },
  { value: "email", label: "Email" },
];

const SECURITY = [
  { value: "starttls", label: "STARTTLS (587)" },
  { value: "tls", label: "TLS (465)" },
  { value: "plain", label: "None (25), only inside your network" },
];

export function emptyConfig(kind: ChannelKind): ChannelConfig {
  if (kind === "email") return { kind, to: [], from: "", host: "", port: 587, security: "starttls" };
  return { kind, url: "" };
}

/** What is missing, as a sentence; undefined when it can be saved. */
export function missingIn(config: ChannelConfig): string | undefined {
  if (config.kind !== "email")
    return /^https?:\/\/.+/.test(config.url) ? undefined : "Enter the URL, with https://.";
  if (config.to.length === 0) return "Enter at least one recipient.";
  if (!config.from.includes("@")) return "Enter the sender's address.";
  return config.host ? undefined : "Enter the mail server.";
}

interface Props {
  config: ChannelConfig;
  onChange: (config: ChannelConfig) => void;
}

export function ChannelFields({ config, onChange }: Props) {
  if (config.kind === "email") return <EmailFields config={config} onChange={onChange} />;
  return (
    <>
      <TextField
        label="URL"
        type="url"
        value={config.url}
        onChange={(url) => onChange({ ...config, url })}
        placeholder={
          config.kind === "slack" ? "https://hooks.slack.com/services/…" : "https://example.com/hook"
        }
        hint={config.kind === "slack" ? "An incoming webhook of the chat." : "The hub sends JSON by POST."}
        mono
      />
      {config.kind === "webhook" && (
        <TextField
          label="Signing secret"
          value={config.secret ?? ""}
          onChange={(secret) => onChange({ ...config, secret })}
          hint="Signs each body with HMAC-SHA256. Left empty, the hub makes one and shows it with the first test."
          autoComplete="off"
          mono
        />
      )}
    </>
  );
}

function EmailFields({
  config,
  onChange,
}: {
  config: EmailConfig;
  onChange: (config: ChannelConfig) => void;
}) {
  return (
    <>
      <TextField
        label="To"
        value={config.to.join(", ")}
        onChange={(text) => onChange({ ...config, to: text.split(/[,;\s]+/).filter(Boolean) })}
        placeholder="ops@example.com"
        hint="Several addresses with commas."
      />
      <TextField
        label="From"
        type="email"
        value={config.from}
        onChange={(from) => onChange({ ...config, from })}
        placeholder="watchtower@example.com"
      />
      <div className="form-columns">
        <TextField
          label="Mail server"
          value={config.host}
          onChange={(host) => onChange({ ...config, host })}
          mono
        />
        <TextField
          label="Port"
          inputMode="numeric"
          value={String(config.port)}
          onChange={(text) => onChange({ ...config, port: Number(text.replace(/\D/g, "")) || 0 })}
        />
        <SelectField
          label="Encryption"
          value={config.security}
          choices={SECURITY}
          onChange={(security) => onChange({ ...config, security })}
        />
      </div>
      <div className="form-columns">
        <TextField
          label="User"
          value={config.username ?? ""}
          onChange={(username) => onChange({ ...config, username: username || null })}
          autoComplete="off"
        />
        <TextField
          label="Password"
          type="password"
          value={config.password ?? ""}
          onChange={(password) => onChange({ ...config, password: password || null })}
          autoComplete="new-password"
        />
      </div>
    </>
  );
}
