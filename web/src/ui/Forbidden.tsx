// A whole section that needs another role: who one is, and who can grant it.
import { useQuery } from "@tanstack/react-query";
import { queries } from "@/api/queries";
import { Empty, Panel } from "./Panel";

export function Forbidden() {
  const { data: me } = useQuery(queries.me());
  const { data: users } = useQuery({ ...queries.users(), retry: false });
  const admins = (users?.items ?? []).filter((user) => user.role === "admin" && !user.disabled);
  return (
    <Panel>
      <Empty title="This needs another role">
        You are signed in as {me?.name}, {me?.role}.{" "}
        {admins.length > 0
          ? `${admins.map((user) => user.name).join(" or ")} can grant it.`
          : "Ask an administrator."}
      </Empty>
    </Panel>
  );
}
