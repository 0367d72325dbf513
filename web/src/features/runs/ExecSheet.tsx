// Run a command typed just now. Servers with the policy "full" take it.
import { useState } from "react";
import { api } from "@/api/client";
import { shellWord } from "@/lib/shell";
import { TextField } from "@/ui/Field";
import { RunStart } from "@/ui/RunStart";

export function ExecSheet({ onClose }: { onClose: () => void }) {
  const [command, setCommand] = useState("");
  const argv = ["/bin/sh", "-c", command];
  return (
    <RunStart
      title="Run a command"
      what={command}
      ready={command.trim() !== ""}
      start={(extent) => api.post("/runs/exec", { body: { command: argv, ...extent } })}
      cli={["watchtower run exec", ` -- ${argv.map(shellWord).join(" ")}`]}
      onClose={onClose}
    >
      <TextField
        label="Command"
        value={command}
        onChange={setCommand}
        placeholder="systemctl is-active nginx"
        hint='Read by /bin/sh on each server whose policy is "full".'
        autoFocus
        mono
      />
    </RunStart>
  );
}
