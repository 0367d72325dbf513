// What is typed, in words and as the next five due times; what is wrong with it otherwise.
import { useQuery } from "@tanstack/react-query";
import { queries } from "@/api/queries";
import { useSettled } from "@/lib/hooks";
import { problemOf } from "@/ui/Panel";
import { Times } from "./Times";

const SETTLE_MS = 300;

export function CronPreview({ cron, timezone }: { cron: string; timezone: string }) {
  const asked = useSettled(`${cron}\n${timezone}`, SETTLE_MS);
  const [settledCron = "", settledZone = ""] = asked.split("\n");
  const preview = useQuery(queries.cronPreview({ cron: settledCron, timezone: settledZone }));
  if (cron.trim() === "") return <p className="meta">Five fields: minute, hour, day, month, weekday.</p>;
  const wrong = preview.error ? problemOf(preview.error).detail : preview.data?.error;
  if (wrong) {
    return (
      <p className="error" role="alert">
        {wrong}
      </p>
    );
  }
  if (!preview.data) return <p className="meta">Looking…</p>;
  return (
    <div className="stack tight" data-testid="cron-preview">
      <p aria-live="polite">
        It starts <strong>{preview.data.words}</strong>.
      </p>
      <Times times={preview.data.next} zone={preview.data.timezone} />
    </div>
  );
}
