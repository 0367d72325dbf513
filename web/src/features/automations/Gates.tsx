// Every gate that was asked, with its answer.
import type { Gate } from "@/api/types";
import { Glyph, words } from "@/ui/Status";

export function Gates({ gates }: { gates: readonly Gate[] }) {
  if (gates.length === 0) return null;
  const failed = gates.filter((gate) => !gate.passed);
  return (
    <details>
      <summary className="meta">
        {failed.length > 0
          ? `Why not: ${failed.map((gate) => words(gate.name)).join(", ")}`
          : `${gates.length} gates passed`}
      </summary>
      <ul className="stack tight pad">
        {gates.map((gate) => (
          <li key={gate.name}>
            <Glyph tone={gate.passed ? "ok" : "crit"} /> <strong>{words(gate.name)}</strong> {gate.reason}
          </li>
        ))}
      </ul>
    </details>
  );
}
