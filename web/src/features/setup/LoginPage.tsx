// Sign-in. Password managers and paste work; `next` leads back to where one came from.
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { api } from "@/api/client";
import { safeNext } from "@/paths";
import { Button } from "@/ui/Button";
import { TextField } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Panel";
import { useAction } from "@/ui/useAction";
import { Gate } from "./Gate";

export function LoginPage() {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const next = safeNext(new URLSearchParams(useSearch()).get("next"));
  const login = useAction((body: { name: string; password: string }) => api.post("/login", { body }), {
    changes: [],
  });
  useEffect(() => {
    document.title = "Sign in · Watchtower";
  }, []);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const session = await login.start({ name: name.trim(), password });
    if (!session) return;
    client.clear();
    navigate(next, { replace: true });
  };
  return (
    <Gate>
      <form className="panel stack" onSubmit={submit}>
        <h1>Sign in</h1>
        <TextField label="Name" value={name} onChange={setName} autoComplete="username" autoFocus required />
        <TextField
          label="Password"
          type="password"
          value={password}
          onChange={setPassword}
          autoComplete="current-password"
          required
        />
        {login.error !== undefined && <ErrorNotice error={login.error} title="Could not sign in" />}
        <Button type="submit" kind="primary" busy={login.busy} disabled={!name.trim() || !password}>
          Sign in
        </Button>
      </form>
    </Gate>
  );
}
