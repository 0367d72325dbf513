// Output of all servers of a run, those that ended alike and said the same together.
import { useQuery } from "@tanstack/react-query";
import { queries } from "@/api/queries";
import type { FoldedOutput, Run } from "@/api/types";
import { CopyButton } from "@/ui/Copy";
import { Empty, Loaded, Panel } from "@/ui/Panel";
import { executionTone, Status } from "@/ui/Status";

const NAMES_SHOWN_MAX = 8;

export function Folded({ run }: { run: Run }) {
  const folded = useQuery(queries.runFolded(String(run.number), run.finished_at === null));
  return (
    <Loaded query={folded} lines={6}>
      {({ items }) => (
        <>
          {items.map((group) => (
            <Group key={group.servers.join()} group={group} />
          ))}
        </>
      )}
    </Loaded>
  );
}

function Group({ group }: { group: FoldedOutput }) {
  const count = group.servers.length;
  const exit = group.exit_code ? `, exit ${group.exit_code}` : "";
  return (
    <Panel
      flush
      title={count === 1 ? group.servers[0] : `${count} servers${group.text ? " said" : ""}`}
      actions={
        <>
          <Status tone={executionTone[group.state]}>{group.state.replace("_", " ") + exit}</Status>
          {group.text && <CopyButton text={group.text} />}
        </>
      }
    >
      {count > 1 && (
        <p className="pad dim">
          {group.servers.slice(0, NAMES_SHOWN_MAX).join(", ")}
          {count > NAMES_SHOWN_MAX && ` and ${count - NAMES_SHOWN_MAX} more`}
        </p>
      )}
      {group.reason && <p className="pad dim">{group.reason}</p>}
      {group.truncated && <p className="pad dim">The end of a longer output:</p>}
      {group.text ? (
        <pre className="output padded" tabIndex={0}>
          {group.text}
        </pre>
      ) : (
        !group.reason && <Empty title="It wrote nothing" />
      )}
    </Panel>
  );
}
