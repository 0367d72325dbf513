// How to sign in to the hosts: a key, a password or something saved; user, port, jump hosts, sudo.
import { useQuery } from "@tanstack/react-query";
import { type ChangeEvent, useId } from "react";
import { queries } from "@/api/queries";
import { AreaField, CheckField, SelectField, TextField } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Panel";
import { type Draft, type Method, portProblem } from "./access";

const METHODS: { value: Method; label: string }[] = [
  { value: "key", label: "A private key" },
  { value: "password", label: "A password" },
  { value: "saved", label: "A saved credential" },
];

const KEY_BYTES_MAX = 64 * 1024;

interface Props {
  draft: Draft;
  onChange: (draft: Draft) => void;
}

export function AccessFields({ draft, onChange }: Props) {
  const set =
    <K extends keyof Draft>(field: K) =>
    (value: Draft[K]) =>
      onChange({ ...draft, [field]: value });
  return (
    <>
      <div className="form-columns">
        <SelectField label="Sign in with" value={draft.method} choices={METHODS} onChange={set("method")} />
        <TextField
          label="User"
          value={draft.user}
          onChange={set("user")}
          placeholder={draft.method === "saved" ? "as saved" : "root"}
          autoComplete="off"
          mono
        />
        <TextField
          label="Port"
          value={draft.port}
          onChange={set("port")}
          placeholder="22"
          inputMode="numeric"
          error={portProblem(draft.port)}
          mono
        />
      </div>
      {draft.method === "key" && <KeyFields draft={draft} onChange={onChange} />}
      {draft.method === "password" && (
        <TextField
          label="Password"
          type="password"
          value={draft.password}
          onChange={set("password")}
          autoComplete="off"
          hint="It is sent only to hosts whose fingerprint you confirm below, and kept in the hub's memory for this deployment alone."
        />
      )}
      {draft.method === "saved" && <SavedField value={draft.credential} onChange={set("credential")} />}
      <details>
        <summary>sudo, jump hosts, very old servers</summary>
        <div className="stack more-fields">
          <TextField
            label="Password for sudo"
            type="password"
            value={draft.sudoPassword}
            onChange={set("sudoPassword")}
            autoComplete="off"
            hint="Only if sudo asks. Left empty, the password above is tried."
          />
          <TextField
            label="Jump hosts"
            value={draft.jump}
            onChange={set("jump")}
            placeholder="ops@gate.example, inner:2222"
            hint="The first one to connect to first. They are signed in to with the same key or password."
            mono
          />
          <CheckField
            label="Allow SHA-1 algorithms"
            hint="for servers so old that they know nothing better."
            checked={draft.legacy}
            onChange={set("legacy")}
          />
        </div>
      </details>
    </>
  );
}

function KeyFields({ draft, onChange }: Props) {
  const id = useId();
  const read = async (event: ChangeEvent<HTMLInputElement>) => {
    const file = event.target.files?.[0];
    if (file && file.size <= KEY_BYTES_MAX) onChange({ ...draft, privateKey: await file.text() });
  };
  return (
    <>
      <AreaField
        label="Private key"
        value={draft.privateKey}
        onChange={(privateKey) => onChange({ ...draft, privateKey })}
        placeholder="-----BEGIN OPENSSH PRIVATE KEY-----"
        rows={4}
        autoComplete="off"
        hint="Kept in the hub's memory for this deployment alone. To keep keys on your own machine, use the command line."
        mono
      />
      <div className="row">
        <label htmlFor={id}>or from a file</label>
        <input id={id} type="file" onChange={(event) => void read(event)} />
      </div>
      <TextField
        label="Passphrase of the key"
        type="password"
        value={draft.passphrase}
        onChange={(passphrase) => onChange({ ...draft, passphrase })}
        autoComplete="off"
        hint="Empty if it has none."
      />
    </>
  );
}

function SavedField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const saved = useQuery(queries.credentials());
  const choices = [
    { value: "", label: saved.data?.items.length === 0 ? "none is saved" : "choose one" },
    ...(saved.data?.items ?? []).map((one) => ({
      value: one.id,
      label: `${one.name} (${one.kind} of ${one.user})`,
    })),
  ];
  return (
    <>
      {saved.error ? <ErrorNotice error={saved.error} retry={() => void saved.refetch()} /> : null}
      <SelectField
        label="Credential"
        value={value}
        choices={choices}
        onChange={onChange}
        hint="Sealed in the hub: whoever steals the hub with its keys gets into every host that takes it."
      />
    </>
  );
}
