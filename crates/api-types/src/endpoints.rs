//! The one table of REST endpoints, below `/api/v1`.
//!
//! The router mounts exactly these, the access check reads `access` here, the OpenAPI document and the test that walks
//! every route by every role are made from it.

use utoipa::openapi::{RefOr, Schema};

use crate::openapi::{Schemas, list, shape};
use crate::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// The least role that may call; objects are checked beyond that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Without signing in.
    Public,
    View,
    Respond,
    Operate,
    Admin,
}

/// Registers a shape and refers to it.
pub type ShapeFn = fn(&mut Schemas) -> RefOr<Schema>;

pub struct Endpoint {
    /// `noun.verb`: the operation's id in the OpenAPI document and the action in the audit log.
    pub id: &'static str,
    pub method: Method,
    /// Below `/api/v1`, as axum and OpenAPI write it.
    pub path: &'static str,
    pub access: Access,
    pub summary: &'static str,
    pub query: &'static [&'static str],
    pub body: Option<ShapeFn>,
    /// Absent: 204 without a body.
    pub reply: Option<ShapeFn>,
}

/// The endpoint of this id.
pub fn find(id: &str) -> Option<&'static Endpoint> {
    ENDPOINTS.iter().find(|endpoint| endpoint.id == id)
}

/// What a query parameter means, the same wherever it occurs.
pub fn describe_query(name: &str) -> &'static str {
    match name {
        "limit" => "Items per page: 1 to 500, 100 when absent",
        "cursor" => "`next` of the page before",
        "q" => "Words that must occur in the name, title or labels",
        "on" => "Label matchers, such as `env=\"prod\",role=~\"web|db\"`",
        "urgency" => "`high` (severity error and critical) or `low`; high when absent",
        "status" => {
            "Of servers: pending, up, lost, away or maintenance; of deployments: pending, running, succeeded, failed or cancelled"
        }
        "batch" => "Id of a batch of deployments",
        "state" => "Only in this state; several by comma",
        "severity" => "Only of this severity; several by comma",
        "server" => "Id or name of a server",
        "service" => "Id or name of a service",
        "rule" => "Id or name of a rule",
        "script" => "Id or name of a script",
        "incident" => "Number of an incident",
        "kind" => "Kind of event; `*` at the end matches any rest",
        "from" | "to" | "since" | "at" => "RFC 3339, Unix seconds, or `now-1h`",
        "team" => "Id or name of a team",
        "timezone" => "Whose clocks tell the hour; each person's own when absent",
        "by" => "Of CSV, what a row is: service, team, rule or person; the total when absent",
        "step" => "Seconds between points; fitted to the range when absent",
        "after" => "Sequence of the last part already seen",
        "actor" => "Only by this actor",
        "action" => "Only this action",
        _ => "",
    }
}

/// One line an endpoint: id, method, path, access, query parameters, body -> reply, summary; `_` is none, `[T]` a page.
macro_rules! endpoints {
    ($($id:literal $method:ident $path:literal $access:ident [$($query:literal)*] $body:tt -> $reply:tt, $summary:literal;)+) => {
        pub static ENDPOINTS: &[Endpoint] = &[$(Endpoint {
            id: $id,
            method: Method::$method,
            path: $path,
            access: Access::$access,
            summary: $summary,
            query: &[$($query),*],
            body: endpoints!(@shape $body),
            reply: endpoints!(@shape $reply),
        }),+];
    };
    (@shape _) => { None };
    (@shape [$item:ident]) => { Some(list::<$item>) };
    (@shape $shape:ident) => { Some(shape::<$shape>) };
}

endpoints! {
    "setup.get" Get "/setup" Public [] _ -> SetupStatus, "Whether the first administrator is still to be made";
    "setup.create" Post "/setup" Public [] Setup -> Session, "Make the first administrator";
    "login" Post "/login" Public [] Login -> Session, "Begin a session";
    "logout" Post "/logout" View [] _ -> _, "End this session";
    "me" Get "/me" View [] _ -> Me, "The caller and the hub";
    "me.push_key" Get "/me/push-key" View [] _ -> PushKey, "The hub's key for notifications in browsers";
    "me.add_browser" Post "/me/browsers" View [] BrowserInput -> Channel, "Reach the caller in a browser; the same one again is changed";
    "me.test_browser" Post "/me/browsers/{channel}/test" View [] _ -> ChannelTest, "Send a test to a browser of the caller";
    "me.remove_browser" Delete "/me/browsers/{channel}" View [] _ -> _, "Reach the caller in a browser no more";
    "me.notify_rules" Put "/me/notify-rules" View [] NotifyRulesInput -> User, "Choose how pages reach the caller";
    "overview" Get "/overview" View [] _ -> Overview, "The first page";
    "status" Get "/status" View [] _ -> HubStatus, "Health of the hub itself";
    "metrics.merge" Post "/metrics/merge" Admin [] _ -> MetricsMerge, "Store and merge all metrics now: before a backup, or when space is short";
    "server.list" Get "/servers" View ["q" "status" "on" "limit" "cursor"] _ -> [Server], "List servers";
    "server.create" Post "/servers" Operate [] ServerInput -> Server, "Create a server";
    "server.get" Get "/servers/{server}" View [] _ -> Server, "One server, by id or name";
    "server.update" Patch "/servers/{server}" Operate [] ServerPatch -> Server, "Change a server";
    "server.delete" Delete "/servers/{server}" Operate [] _ -> _, "Delete a server";
    "server.enrol" Post "/servers/{server}/enrolment" Operate [] _ -> Enrolment, "Make a one-time installer for this server";
    "server.collect" Post "/servers/{server}/collect" Respond [] _ -> Collected, "Ask the agent for a report now";
    "server.panels" Get "/servers/{server}/panels" View ["from" "to" "step"] _ -> Panels, "All charts of the server's page";
    "server.processes" Get "/servers/{server}/processes" View ["at"] _ -> Processes, "The process table, now or at a past minute";
    "agent.binaries" Get "/agent-binaries" Operate [] _ -> AgentBinaries, "What agents trust, where they dial, and the programs there are";
    "agent.binary" Get "/agent-binaries/{arch}" Operate [] _ -> AgentProgram, "The agent's program for an architecture";
    "event.list" Get "/events" View ["server" "kind" "severity" "from" "to" "limit" "cursor"] _ -> [Event], "List events, newest first";
    "event.create" Post "/events" Respond [] EventInput -> Event, "Send a custom event";
    "rule.list" Get "/rules" View ["q" "state" "limit" "cursor"] _ -> [Rule], "List rules";
    "rule.create" Post "/rules" Operate [] RuleInput -> Rule, "Create a rule";
    "rule.get" Get "/rules/{rule}" View [] _ -> Rule, "One rule, by id or name";
    "rule.update" Put "/rules/{rule}" Operate [] RuleInput -> Rule, "Replace a rule";
    "rule.delete" Delete "/rules/{rule}" Operate [] _ -> _, "Delete a rule";
    "rule.preview" Post "/rules/preview" View [] RulePreviewInput -> RulePreview, "What an expression says now, and would have said";
    "rule.backtest" Post "/rules/backtest" View [] RuleBacktestInput -> RuleBacktest, "What a rule would have done in the last days, and on which servers";
    "rule.import" Post "/rules/import" Operate [] RuleImportInput -> RuleImport, "Take over a rule file of Prometheus";
    "alert.list" Get "/alerts" View ["state" "server" "rule" "limit" "cursor"] _ -> [Alert], "List alerts";
    "incident.list" Get "/incidents" View ["state" "severity" "server" "service" "q" "limit" "cursor"] _ -> [Incident], "List incidents, unacknowledged and worst first";
    "incident.create" Post "/incidents" Respond [] IncidentInput -> Incident, "Open an incident by hand, or a drill";
    "incident.stats" Get "/incidents/stats" View ["since"] _ -> IncidentStats, "Times to acknowledge and to resolve";
    "analytics.incidents" Get "/analytics/incidents" View ["from" "to" "service" "team" "timezone" "by"] _ -> IncidentAnalytics, "How long people took, which rules are noisy, and whom pages interrupted; rows of CSV for who accepts text/csv";
    "incident.get" Get "/incidents/{incident}" View [] _ -> Incident, "One incident, by number or id";
    "incident.timeline" Get "/incidents/{incident}/timeline" View [] _ -> [TimelineEntry], "Everything that happened, in order";
    "incident.deliveries" Get "/incidents/{incident}/deliveries" View [] _ -> [Delivery], "Messages to people and what became of them";
    "incident.ack" Post "/incidents/{incident}/ack" Respond [] _ -> Incident, "Acknowledge: pending pages are cancelled";
    "incident.unack" Post "/incidents/{incident}/unack" Respond [] _ -> Incident, "Back to triggered";
    "incident.escalate" Post "/incidents/{incident}/escalate" Respond [] _ -> Incident, "Page the next step now";
    "incident.resolve" Post "/incidents/{incident}/resolve" Respond [] ResolveInput -> Incident, "Resolve";
    "incident.reopen" Post "/incidents/{incident}/reopen" Respond [] _ -> Incident, "Open again what was resolved by mistake, at most 24 hours after its end";
    "incident.merge" Post "/incidents/{incident}/merge" Respond [] MergeInput -> Incident, "Merge into another open one, which is the answer: its open alerts and whoever heard of it go on there";
    "incident.note" Post "/incidents/{incident}/notes" Respond [] NoteInput -> TimelineEntry, "Add a note";
    "service.list" Get "/services" View ["limit" "cursor"] _ -> [Service], "List services";
    "service.create" Post "/services" Operate [] ServiceInput -> Service, "Create a service";
    "service.get" Get "/services/{service}" View [] _ -> Service, "One service, by id or name";
    "service.update" Put "/services/{service}" Operate [] ServiceInput -> Service, "Replace a service";
    "service.page_plan" Get "/services/{service}/page-plan" View ["urgency" "at"] _ -> PagePlan, "Who would be paged, when and how, if nobody answered";
    "service.delete" Delete "/services/{service}" Operate [] _ -> _, "Delete a service";
    "team.list" Get "/teams" View ["limit" "cursor"] _ -> [Team], "List teams";
    "team.create" Post "/teams" Operate [] TeamInput -> Team, "Create a team";
    "team.get" Get "/teams/{team}" View [] _ -> Team, "One team, by id or name";
    "team.update" Put "/teams/{team}" Operate [] TeamInput -> Team, "Replace a team";
    "team.delete" Delete "/teams/{team}" Operate [] _ -> _, "Delete a team";
    "route.list" Get "/routes" View ["limit" "cursor"] _ -> [Route], "List routes";
    "route.create" Post "/routes" Operate [] RouteInput -> Route, "Create a route";
    "route.get" Get "/routes/{route}" View [] _ -> Route, "One route, by id or name";
    "route.update" Put "/routes/{route}" Operate [] RouteInput -> Route, "Replace a route";
    "route.delete" Delete "/routes/{route}" Operate [] _ -> _, "Delete a route";
    "policy.list" Get "/policies" View ["limit" "cursor"] _ -> [Policy], "List policies";
    "policy.create" Post "/policies" Operate [] PolicyInput -> Policy, "Create a policy";
    "policy.get" Get "/policies/{policy}" View [] _ -> Policy, "One policy, by id or name";
    "policy.update" Put "/policies/{policy}" Operate [] PolicyInput -> Policy, "Replace a policy";
    "policy.delete" Delete "/policies/{policy}" Operate [] _ -> _, "Delete a policy";
    "schedule.list" Get "/schedules" View ["limit" "cursor"] _ -> [Schedule], "List schedules";
    "schedule.create" Post "/schedules" Operate [] ScheduleInput -> Schedule, "Create a schedule";
    "schedule.get" Get "/schedules/{schedule}" View [] _ -> Schedule, "One schedule, by id or name";
    "schedule.update" Put "/schedules/{schedule}" Operate [] ScheduleInput -> Schedule, "Replace a schedule; the past stays as it was";
    "schedule.delete" Delete "/schedules/{schedule}" Operate [] _ -> _, "Delete a schedule";
    "schedule.on_call" Get "/schedules/{schedule}/on-call" View ["at"] _ -> OnCall, "Who is on call, now or at another time";
    "schedule.shifts" Get "/schedules/{schedule}/shifts" View ["from" "to"] _ -> [Shift], "Who is on call when: of the next 7 days, at most of 100";
    "schedule.gaps" Get "/schedules/{schedule}/gaps" View ["from" "to"] _ -> [ScheduleGap], "When nobody is on call: in the next 30 days, at most in 100";
    "schedule.override" Post "/schedules/{schedule}/overrides" Respond [] OverrideInput -> ScheduleOverride, "Put somebody on call for a while, or take somebody off";
    "schedule.end_override" Delete "/schedules/{schedule}/overrides/{override}" Respond [] _ -> _, "End an override now, or remove it before it begins";
    "schedule.swap" Post "/schedules/{schedule}/swaps" Respond [] SwapInput -> ShiftSwap, "Offer a shift: for nothing, or against another";
    "schedule.take_swap" Post "/schedules/{schedule}/swaps/{swap}/take" Respond [] SwapTake -> SwapTaken, "Take a shift that is offered";
    "schedule.withdraw_swap" Delete "/schedules/{schedule}/swaps/{swap}" Respond [] _ -> _, "Take back an offer";
    "schedule.calendar" Post "/schedules/{schedule}/calendar" Operate [] _ -> CalendarLink, "Make a link for calendars in place of the one there is; it is shown once";
    "schedule.end_calendar" Delete "/schedules/{schedule}/calendar" Operate [] _ -> _, "End the link for calendars";
    "on_call.list" Get "/on-call" View ["at" "limit" "cursor"] _ -> [OnCall], "Who is on call by each schedule";
    "channel.list" Get "/channels" View ["limit" "cursor"] _ -> [Channel], "List channels";
    "channel.create" Post "/channels" Operate [] ChannelInput -> Channel, "Create a channel";
    "channel.get" Get "/channels/{channel}" View [] _ -> Channel, "One channel, by id or name";
    "channel.update" Put "/channels/{channel}" Operate [] ChannelInput -> Channel, "Replace a channel";
    "channel.delete" Delete "/channels/{channel}" Operate [] _ -> _, "Delete a channel";
    "channel.preview" Post "/channels/preview" Operate [] ChannelPreviewInput -> ChannelPreview, "What a channel would send; nothing is stored or sent";
    "channel.test" Post "/channels/{channel}/test" Operate [] _ -> ChannelTest, "Send a test message through the real path";
    "integration.list" Get "/integrations" View ["limit" "cursor"] _ -> [Integration], "List integrations";
    "integration.create" Post "/integrations" Operate [] IntegrationInput -> Integration, "Create an integration; its key is shown once";
    "integration.get" Get "/integrations/{integration}" View [] _ -> Integration, "One integration, by id or name";
    "integration.update" Put "/integrations/{integration}" Operate [] IntegrationInput -> Integration, "Replace an integration";
    "integration.delete" Delete "/integrations/{integration}" Operate [] _ -> _, "Delete an integration";
    "integration.new_key" Post "/integrations/{integration}/new-key" Operate [] _ -> Integration, "Make a new key in place of the one there is; it is shown once";
    "integration.held" Get "/integrations/{integration}/held" View ["limit"] _ -> [HeldAlert], "Alerts that were triggered, but not often enough to open";
    "silence.list" Get "/silences" View ["state" "limit" "cursor"] _ -> [Silence], "List silences, newest first";
    "silence.create" Post "/silences" Operate [] SilenceInput -> Silence, "Page nobody for some alerts, from a time to a time";
    "silence.get" Get "/silences/{silence}" View [] _ -> Silence, "One silence";
    "silence.update" Put "/silences/{silence}" Operate [] SilenceInput -> Silence, "Replace a silence";
    "silence.expire" Post "/silences/{silence}/expire" Operate [] _ -> Silence, "End a silence now";
    "silence.delete" Delete "/silences/{silence}" Operate [] _ -> _, "End a silence and forget it";
    "maintenance.list" Get "/maintenance-windows" View ["state" "limit" "cursor"] _ -> [MaintenanceWindow], "List maintenance windows";
    "maintenance.create" Post "/maintenance-windows" Operate [] MaintenanceWindowInput -> MaintenanceWindow, "Plan a time, or many, at which nobody is paged";
    "maintenance.get" Get "/maintenance-windows/{window}" View [] _ -> MaintenanceWindow, "One maintenance window, by id or name";
    "maintenance.update" Put "/maintenance-windows/{window}" Operate [] MaintenanceWindowInput -> MaintenanceWindow, "Replace a maintenance window";
    "maintenance.delete" Delete "/maintenance-windows/{window}" Operate [] _ -> _, "Delete a maintenance window";
    "inhibition.list" Get "/inhibitions" View ["limit" "cursor"] _ -> [Inhibition], "List inhibitions";
    "inhibition.create" Post "/inhibitions" Operate [] InhibitionInput -> Inhibition, "Page nobody for what follows from something else that is wrong";
    "inhibition.get" Get "/inhibitions/{inhibition}" View [] _ -> Inhibition, "One inhibition, by id or name";
    "inhibition.update" Put "/inhibitions/{inhibition}" Operate [] InhibitionInput -> Inhibition, "Replace an inhibition";
    "inhibition.delete" Delete "/inhibitions/{inhibition}" Operate [] _ -> _, "Delete an inhibition";
    "config.check" Post "/config/check" Operate [] ConfigChanges -> ConfigCheck, "What the hub would say to many changes of configuration, one after the other; nothing is stored";
    "config.apply" Post "/config/apply" Operate [] ConfigChanges -> ConfigApplied, "Make many changes of configuration, one after the other; an error means that none was made";
    "config.versions" Get "/config/versions" View [] _ -> ConfigVersions, "The versions of all configuration, to be named by changes of what was read behind it";
    "integration.preview" Post "/integrations/preview" View [] SignalPreviewInput -> SignalPreview, "What a mapping makes of a body; nothing is stored";
    "heartbeat.list" Get "/heartbeats" View ["limit" "cursor" "state"] _ -> [Heartbeat], "List heartbeats";
    "heartbeat.create" Post "/heartbeats" Operate [] HeartbeatInput -> Heartbeat, "Create a heartbeat";
    "heartbeat.get" Get "/heartbeats/{heartbeat}" View [] _ -> Heartbeat, "One heartbeat, by id or name";
    "heartbeat.update" Put "/heartbeats/{heartbeat}" Operate [] HeartbeatInput -> Heartbeat, "Replace a heartbeat";
    "heartbeat.delete" Delete "/heartbeats/{heartbeat}" Operate [] _ -> _, "Delete a heartbeat";
    "heartbeat.pings" Get "/heartbeats/{heartbeat}/pings" View ["limit"] _ -> [Ping], "The newest pings of a heartbeat";
    "script.list" Get "/scripts" View ["limit" "cursor"] _ -> [Script], "List scripts";
    "script.create" Post "/scripts" Operate [] ScriptInput -> Script, "Create a script";
    "script.get" Get "/scripts/{script}" View [] _ -> Script, "One script, by id or name";
    "script.update" Put "/scripts/{script}" Operate [] ScriptInput -> Script, "Replace a script";
    "script.delete" Delete "/scripts/{script}" Operate [] _ -> _, "Delete a script";
    "script.versions" Get "/scripts/{script}/versions" View [] _ -> [Script], "All versions, newest first";
    "script.sign" Put "/scripts/{script}/approval" Operate [] ApprovalInput -> Script, "Store an approver's signature on a script";
    "run.list" Get "/runs" View ["state" "server" "script" "incident" "limit" "cursor"] _ -> [Run], "List runs, newest first";
    "run.create" Post "/runs" Respond [] RunInput -> RunStarted, "Run a script on servers";
    "run.exec" Post "/runs/exec" Operate [] ExecInput -> RunStarted, "Run a command typed just now";
    "run.update_agents" Post "/runs/agents" Operate [] AgentUpdateInput -> RunStarted, "Replace agents by the signed release that the hub has, over their connection";
    "run.get" Get "/runs/{run}" View [] _ -> Run, "One run with its executions, by number or id";
    "run.cancel" Post "/runs/{run}/cancel" Respond [] _ -> Run, "Cancel what has not ended";
    "run.approve" Post "/runs/{run}/approve" Operate [] _ -> Run, "Let a run start that somebody else asked for";
    "run.deny" Post "/runs/{run}/deny" Operate [] _ -> Run, "Refuse a run that waits for approval";
    "run.folded" Get "/runs/{run}/folded" View [] _ -> [FoldedOutput], "Output of all servers, those that said the same together";
    "run.output" Get "/runs/{run}/output/{execution}" View ["after"] _ -> Output, "Output of one execution";
    "halt.get" Get "/halt" View [] _ -> Halt, "Whether all work on servers is halted";
    "halt.begin" Put "/halt" Operate [] HaltInput -> Halt, "Stop all work on servers: nothing starts, what runs is cancelled";
    "halt.end" Delete "/halt" Operate [] _ -> _, "End the halt";
    "page_hold.get" Get "/page-hold" View [] _ -> Halt, "Whether messages to people are held, as after a restore";
    "page_hold.end" Delete "/page-hold" Operate [] _ -> _, "Release the messages that are held";
    "automation.list" Get "/automations" View ["limit" "cursor"] _ -> [Automation], "List automations";
    "automation.create" Post "/automations" Admin [] AutomationInput -> Automation, "Create an automation";
    "automation.get" Get "/automations/{automation}" View [] _ -> Automation, "One automation, by id or name";
    "automation.update" Put "/automations/{automation}" Admin [] AutomationInput -> Automation, "Replace an automation";
    "automation.delete" Delete "/automations/{automation}" Admin [] _ -> _, "Delete an automation";
    "automation.preview" Post "/automations/preview" View [] CronPreviewInput -> CronPreview, "What a cron expression means, and when it fires next";
    "automation.fire" Post "/automations/{automation}/fire" Operate [] _ -> Firing, "Do now what a cron trigger does when it is due";
    "automation.take_over" Post "/automations/{automation}/take-over" Admin [] _ -> Automation, "Let it act by the caller's right from now on";
    "automation.close_breaker" Post "/automations/{automation}/close-breaker" Admin [] _ -> Automation, "Let it act again after three failures";
    "automation.approve" Post "/automations/{automation}/attempts/{attempt}/approve" Operate [] _ -> Attempt, "Approve a waiting attempt";
    "automation.deny" Post "/automations/{automation}/attempts/{attempt}/deny" Operate [] _ -> Attempt, "Deny a waiting attempt";
    "deployment.list" Get "/deployments" View ["status" "server" "batch" "limit" "cursor"] _ -> [Deployment], "List deployments, newest first";
    "deployment.create" Post "/deployments" Operate [] DeploymentInput -> [Deployment], "Install agents over SSH, roll them back or uninstall them";
    "deployment.targets" Post "/deployments/targets" Operate [] TargetsInput -> ParsedTargets, "Read hosts from a list with ranges, CSV, ssh_config or an Ansible inventory";
    "deployment.get" Get "/deployments/{deployment}" View [] _ -> Deployment, "One deployment with its steps, by number or id";
    "deployment.retry" Post "/deployments/{deployment}/retry" Operate [] DeploymentRetry -> [Deployment], "Do again what failed: one deployment, or by a batch's id all of it";
    "deployment.cancel" Post "/deployments/{deployment}/cancel" Operate [] _ -> [Deployment], "Cancel what has not ended: one deployment, or by a batch's id all of it";
    "host_key.list" Get "/host-keys" Operate ["limit" "cursor"] _ -> [HostKey], "List known keys of hosts";
    "host_key.offer" Post "/deployments/host-key" Operate [] HostKeyQuery -> OfferedHostKey, "Ask a host for its key, without signing in";
    "host_key.confirm" Post "/host-keys" Operate [] HostKeyInput -> HostKey, "Confirm a host's fingerprint: passwords may be sent to it";
    "host_key.revoke" Post "/host-keys/{host_key}/revoke" Operate [] _ -> HostKey, "Never accept a host's key again";
    "credential.list" Get "/credentials" Operate ["limit" "cursor"] _ -> [Credential], "List saved SSH credentials, without their secrets";
    "credential.create" Post "/credentials" Operate [] CredentialInput -> Credential, "Save an SSH credential, sealed";
    "credential.delete" Delete "/credentials/{credential}" Operate [] _ -> _, "Delete a saved SSH credential";
    "user.list" Get "/users" View ["limit" "cursor"] _ -> [User], "List users";
    "user.create" Post "/users" Admin [] UserInput -> User, "Create an user";
    "user.get" Get "/users/{user}" View [] _ -> User, "One user, by id or name";
    "user.update" Patch "/users/{user}" Admin [] UserPatch -> User, "Change an user";
    "user.delete" Delete "/users/{user}" Admin [] _ -> _, "Delete an user";
    "user.password" Post "/users/{user}/password" View [] PasswordChange -> _, "Change a password: one's own, or anyone's as administrator";
    "token.list" Get "/tokens" Admin ["limit" "cursor"] _ -> [Token], "List API tokens";
    "token.create" Post "/tokens" Admin [] TokenInput -> TokenCreated, "Create an API token; its secret is shown once";
    "token.delete" Delete "/tokens/{token}" Admin [] _ -> _, "Revoke an API token";
    "key.list" Get "/keys" Admin [] _ -> HubKeys, "The hub's own keys: what each is good for, and which agents have it";
    "key.rotate" Post "/keys/{kind}/rotate" Admin [] _ -> HubKeys, "Make a key of a kind: agents are told of it; a master key is used at once";
    "key.switch" Post "/keys/{kind}/switch" Admin [] KeySwitch -> HubKeys, "Use the published key";
    "key.retire" Post "/keys/{kind}/retire" Admin [] KeyRetirement -> HubKeys, "End the trust in the key that was used before, and delete it";
    "key.abort" Post "/keys/{kind}/abort" Admin [] _ -> HubKeys, "Withdraw the published key before it is used";
    "audit.list" Get "/audit" Admin ["actor" "action" "limit" "cursor"] _ -> [AuditEntry], "The audit log, newest first";
}
