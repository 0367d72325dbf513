// The table of pages. Each feature is a chunk of its own; sign-in and overview come with the first load.
import { type ComponentType, lazy, Suspense } from "react";
import { Redirect, Route, Switch } from "wouter";
import { paths } from "./paths";
import { NotFound } from "./shell/Missing";
import { SignedIn } from "./shell/Shell";
import { Skeleton } from "./ui/Panel";

// biome-ignore lint/suspicious/noExplicitAny: wouter passes each page its own parameters
type Page = ComponentType<any>;

function page<K extends string>(load: () => Promise<Record<K, Page>>, name: K): Page {
  return lazy(async () => ({ default: (await load())[name] }));
}

const PAGES: [string, Page][] = [
  ["/", page(() => import("./features/overview/OverviewPage"), "OverviewPage")],
  ["/servers", page(() => import("./features/servers/ServersPage"), "ServersPage")],
  ["/servers/add", page(() => import("./features/deployments/AddServerPage"), "AddServerPage")],
  ["/servers/:id/:tab?", page(() => import("./features/servers/ServerPage"), "ServerPage")],
  ["/incidents", page(() => import("./features/incidents/IncidentsPage"), "IncidentsPage")],
  ["/incidents/:number", page(() => import("./features/incidents/IncidentPage"), "IncidentPage")],
  ["/analytics", page(() => import("./features/incidents/AnalyticsPage"), "AnalyticsPage")],
  ["/silences", page(() => import("./features/quiet/SilencesPage"), "SilencesPage")],
  ["/maintenance", page(() => import("./features/quiet/WindowsPage"), "WindowsPage")],
  ["/inhibitions", page(() => import("./features/quiet/InhibitionsPage"), "InhibitionsPage")],
  ["/rules", page(() => import("./features/rules/RulesPage"), "RulesPage")],
  ["/rules/:id", page(() => import("./features/rules/RulePage"), "RulePage")],
  ["/scripts", page(() => import("./features/scripts/ScriptsPage"), "ScriptsPage")],
  ["/scripts/:id", page(() => import("./features/scripts/ScriptPage"), "ScriptPage")],
  ["/automations", page(() => import("./features/automations/AutomationsPage"), "AutomationsPage")],
  ["/automations/:id", page(() => import("./features/automations/AutomationPage"), "AutomationPage")],
  ["/runs", page(() => import("./features/runs/RunsPage"), "RunsPage")],
  ["/runs/:number", page(() => import("./features/runs/RunPage"), "RunPage")],
  ["/deploys", page(() => import("./features/deployments/DeploysPage"), "DeploysPage")],
  ["/deploys/agents", page(() => import("./features/deployments/AgentsPage"), "AgentsPage")],
  ["/deploys/:batch", page(() => import("./features/deployments/BatchPage"), "BatchPage")],
  ["/on-call", page(() => import("./features/oncall/OnCallPage"), "OnCallPage")],
  ["/channels", page(() => import("./features/channels/ChannelsPage"), "ChannelsPage")],
  ["/settings/:section?", page(() => import("./features/settings/SettingsPage"), "SettingsPage")],
];

const LoginPage = page(() => import("./features/setup/LoginPage"), "LoginPage");
const SetupPage = page(() => import("./features/setup/SetupPage"), "SetupPage");

export function Routes() {
  return (
    <Suspense>
      <Switch>
        <Route path="/login" component={LoginPage} />
        <Route path="/setup" component={SetupPage} />
        <Route>
          <SignedIn>
            <Suspense fallback={<Skeleton lines={8} />}>
              <Switch>
                {PAGES.map(([path, component]) => (
                  <Route key={path} path={path} component={component} />
                ))}
                <Route path="/i/:number">
                  {({ number }) => <Redirect to={paths.incident(number)} replace />}
                </Route>
                <Route path="/s/:id">{({ id }) => <Redirect to={paths.server(id)} replace />}</Route>
                <Route path="/r/:number">{({ number }) => <Redirect to={paths.run(number)} replace />}</Route>
                <Route>
                  <NotFound />
                </Route>
              </Switch>
            </Suspense>
          </SignedIn>
        </Route>
      </Switch>
    </Suspense>
  );
}
