// Output of one server. Following stops when one scrolls up and begins again at the bottom; nothing else changes it.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { api } from "@/api/client";
import type { Execution, OutputPart, Run } from "@/api/types";
import { Button } from "@/ui/Button";
import { CopyButton } from "@/ui/Copy";
import { Empty, ErrorNotice, Panel } from "@/ui/Panel";
import { executionTone, Status } from "@/ui/Status";
import { addParts, describe, earlierWords, toLines } from "./output";

const AT_BOTTOM_PX = 24;
const POLL_MS = 2000;

function useOutput(run: Run, execution: Execution, ticks: number) {
  const [parts, setParts] = useState<OutputPart[]>([]);
  const [complete, setComplete] = useState(false);
  const [error, setError] = useState<unknown>();
  const state = useRef({ busy: false, again: false, last: -1, complete: false });

  const load = useCallback(async () => {
    const now = state.current;
    if (now.complete) return;
    if (now.busy) {
      now.again = true;
      return;
    }
    now.busy = true;
    try {
      do {
        now.again = false;
        const answer = await api.get("/runs/{run}/output/{execution}", {
          path: { run: run.id, execution: execution.id },
          query: now.last >= 0 ? { after: String(now.last) } : {},
        });
        now.last = answer.parts.at(-1)?.sequence ?? now.last;
        now.complete = answer.complete;
        setParts((known) => addParts(known, answer.parts));
        setComplete(answer.complete);
        setError(undefined);
      } while (now.again && !now.complete);
    } catch (problem) {
      setError(problem);
    } finally {
      now.busy = false;
    }
  }, [run.id, execution.id]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a tick or a new state says that there may be more
  useEffect(() => {
    void load();
  }, [load, ticks, execution.state]);
  // The hint may be lost with the connection: ask now and then.
  useEffect(() => {
    if (complete) return;
    const timer = setInterval(() => void load(), POLL_MS);
    return () => clearInterval(timer);
  }, [load, complete]);
  return { parts, complete, error, load };
}

export function OutputView({ run, execution, ticks }: { run: Run; execution: Execution; ticks: number }) {
  const { parts, complete, error, load } = useOutput(run, execution, ticks);
  const lines = useMemo(() => toLines(parts), [parts]);
  const [following, setFollowing] = useState(true);
  const [seen, setSeen] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const count = lines.length;

  useEffect(() => {
    if (!following || !box.current) return;
    box.current.scrollTop = box.current.scrollHeight;
    setSeen(count);
  }, [count, following]);

  const onScroll = () => {
    const element = box.current;
    if (!element) return;
    const bottom = element.scrollHeight - element.scrollTop - element.clientHeight < AT_BOTTOM_PX;
    setFollowing(bottom);
    if (bottom) setSeen(count);
  };
  return (
    <Panel
      flush
      title={`Output of ${execution.server}`}
      actions={
        <>
          <Status tone={executionTone[execution.state]}>{describe(execution)}</Status>
          <CopyButton text={lines.map((line) => line.text).join("\n")} />
        </>
      }
    >
      {execution.reason && <p className="pad dim">{execution.reason}</p>}
      {(execution.earlier ?? []).length > 0 && (
        <ul className="pad dim" aria-label="Earlier tries">
          {(execution.earlier ?? []).map((earlier, index) => (
            <li key={earlier.id}>{earlierWords(earlier, index + 1)}</li>
          ))}
        </ul>
      )}
      {error !== undefined && <ErrorNotice error={error} retry={() => void load()} />}
      {count === 0 ? (
        <Empty title={complete ? "It wrote nothing" : "Waiting for the first output…"} />
      ) : (
        <div className="output-frame">
          <div
            ref={box}
            className="output"
            role="log"
            aria-label={`Output of ${execution.server}`}
            tabIndex={0}
            onScroll={onScroll}
            data-testid="output"
          >
            {lines.map((line) => (
              <div key={line.key} className={`output-line ${line.stream}`} dir="auto">
                {line.text || " "}
              </div>
            ))}
          </div>
          {!following && count > seen && (
            <Button small className="output-more" onClick={() => setFollowing(true)}>
              {count - seen} new ↓
            </Button>
          )}
        </div>
      )}
    </Panel>
  );
}
