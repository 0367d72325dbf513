// Says on every page that all work on servers stands still.
import { useQuery } from "@tanstack/react-query";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import { Ago } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { useAction } from "@/ui/useAction";

export function HaltStrip() {
  const { data: halt } = useQuery(queries.halt());
  const end = useAction(() => api.delete("/halt"), { changes: ["halt", "run"], done: "The halt has ended" });
  if (!halt?.on) return null;
  return (
    <div className="strip" role="status">
      <span>
        All work on servers is halted{halt.by && ` by ${halt.by}`}
        {halt.since && (
          <>
            {" "}
            <Ago at={halt.since} />
          </>
        )}
        : {halt.reason}
      </span>
      <Button small needs="operate" busy={end.busy} onClick={() => void end.start()}>
        End the halt
      </Button>
    </div>
  );
}
