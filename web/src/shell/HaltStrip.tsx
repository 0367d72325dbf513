// Says on every page that all work on servers stands still, or that nobody is paged.
import { useQuery } from "@tanstack/react-query";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Halt } from "@/api/types";
import { Ago } from "@/ui/Ago";
import { Button } from "@/ui/Button";
import { useAction } from "@/ui/useAction";

export function HaltStrip() {
  const { data: halt } = useQuery(queries.halt());
  const end = useAction(() => api.delete("/halt"), { changes: ["halt", "run"], done: "The halt has ended" });
  return <Strip what="All work on servers is halted" turned={halt} verb="End the halt" end={end} />;
}

export function HoldStrip() {
  const { data: hold } = useQuery(queries.pageHold());
  const end = useAction(() => api.delete("/page-hold"), {
    changes: ["page-hold", "incident"],
    done: "Messages are sent again",
  });
  return <Strip what="Nobody is paged: messages are held" turned={hold} verb="Release them" end={end} />;
}

interface StripProps {
  what: string;
  turned: Halt | undefined;
  verb: string;
  end: { busy: boolean; start: () => Promise<unknown> };
}

function Strip({ what, turned, verb, end }: StripProps) {
  if (!turned?.on) return null;
  return (
    <div className="strip" role="status">
      <span>
        {what}
        {turned.by && ` by ${turned.by}`}
        {turned.since && (
          <>
            {" "}
            <Ago at={turned.since} />
          </>
        )}
        : {turned.reason}
      </span>
      <Button small needs="operate" busy={end.busy} onClick={() => void end.start()}>
        {verb}
      </Button>
    </div>
  );
}
