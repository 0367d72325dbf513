// The page for an address that leads nowhere.
import { Link } from "wouter";
import { paths } from "@/paths";
import { Page } from "@/ui/Page";
import { Empty, Panel } from "@/ui/Panel";

export function NotFound() {
  return (
    <Page title="Not found">
      <Panel>
        <Empty
          title="There is no page at this address"
          action={
            <Link className="button primary" href={paths.overview}>
              Go to the overview
            </Link>
          }
        >
          It may have been renamed or deleted. Ctrl K finds servers, incidents, rules and scripts by name.
        </Empty>
      </Panel>
    </Page>
  );
}
