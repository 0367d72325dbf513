// The first administrator, by the one-time link that the hub printed; then the channel of last resort.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { TextField } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Panel";
import { useAction } from "@/ui/useAction";
import { CatchAll } from "./CatchAll";
import { Gate } from "./Gate";

const PASSWORD_MIN = 12;

export function SetupPage() {
  const [done, setDone] = useState(false);
  const status = useQuery({ ...queries.setupStatus(), retry: false });
  const token = new URLSearchParams(useSearch()).get("token") ?? "";
  const [, navigate] = useLocation();
  useEffect(() => {
    document.title = "Set up · Watchtower";
  }, []);
  if (done) {
    return (
      <Gate>
        <CatchAll onDone={() => navigate(paths.overview, { replace: true })} />
      </Gate>
    );
  }
  return (
    <Gate>
      {status.error ? (
        <ErrorNotice error={status.error} retry={() => void status.refetch()} />
      ) : status.data && !status.data.needed ? (
        <div className="panel stack">
          <h1>Already set up</h1>
          <p>This hub has its first administrator.</p>
          <Link className="button primary" href={paths.login()}>
            Sign in
          </Link>
        </div>
      ) : (
        <AdminForm token={token} onDone={() => setDone(true)} />
      )}
    </Gate>
  );
}

function AdminForm({ token, onDone }: { token: string; onDone: () => void }) {
  const [typedToken, setTypedToken] = useState(token);
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [tried, setTried] = useState(false);
  const client = useQueryClient();
  const setup = useAction(
    () => api.post("/setup", { body: { token: typedToken.trim(), name: name.trim(), password } }),
    { changes: [] },
  );
  const short = password.length < PASSWORD_MIN;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (short || !name.trim() || !typedToken.trim()) return;
    if (await setup.start()) {
      client.clear();
      onDone();
    }
  };
  const passwordError =
    tried && short
      ? `${password.length} characters: use at least ${PASSWORD_MIN}.`
      : setup.fieldError("password");
  return (
    <form className="panel stack" onSubmit={submit}>
      <h1>Set up this hub</h1>
      <p className="dim">You become its first administrator.</p>
      {token === "" && (
        <TextField
          label="Setup token"
          hint="From the link that the hub printed when it started; it is valid for one hour."
          value={typedToken}
          onChange={setTypedToken}
          autoComplete="off"
          error={
            tried && !typedToken.trim() ? "Paste the token behind /setup?token=." : setup.fieldError("token")
          }
          mono
        />
      )}
      <TextField
        label="Name"
        value={name}
        onChange={setName}
        autoComplete="username"
        autoFocus
        error={tried && !name.trim() ? "Enter the name you will sign in with." : setup.fieldError("name")}
      />
      <TextField
        label="Password"
        type="password"
        hint={`At least ${PASSWORD_MIN} characters. Pasting from a password manager works.`}
        value={password}
        onChange={setPassword}
        autoComplete="new-password"
        error={passwordError}
      />
      {setup.error !== undefined && <ErrorNotice error={setup.error} title="Could not set up" />}
      <Button type="submit" kind="primary" busy={setup.busy}>
        Create administrator
      </Button>
    </form>
  );
}
