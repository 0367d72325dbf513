// Run a script of the library.
import { useState } from "react";
import { api } from "@/api/client";
import type { Script } from "@/api/types";
import { shellWord } from "@/lib/shell";
import { ParameterValues } from "@/ui/ParameterValues";
import { RunStart } from "@/ui/RunStart";

export function RunSheet({ script, onClose }: { script: Script; onClose: () => void }) {
  const [values, setValues] = useState<Record<string, string>>(() => firstValues(script));
  const body = { script: script.id, version: script.version, parameters: given(values) };
  const flags = Object.entries(given(values)).map(
    ([name, value]) => ` --parameter ${shellWord(`${name}=${value}`)}`,
  );
  return (
    <RunStart
      title={`Run ${script.name}, version ${script.version}`}
      what={JSON.stringify(body)}
      ready
      start={(extent) => api.post("/runs", { body: { ...body, ...extent } })}
      cli={[`watchtower script run ${shellWord(script.name)}`, flags.join("")]}
      alwaysApproved={script.needs_approval}
      onClose={onClose}
    >
      {script.parameters.length > 0 && (
        <ParameterValues parameters={script.parameters} values={values} onChange={setValues} />
      )}
    </RunStart>
  );
}

function firstValues(script: Script): Record<string, string> {
  return Object.fromEntries(script.parameters.map((parameter) => [parameter.name, parameter.default ?? ""]));
}

/** Only what was filled in: an empty value means the default. */
function given(values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
}
