//! The one table of routes.

use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, delete, get, patch, post, put};
use axum::{Json, Router};
use watchtower_api_types::endpoints;
use watchtower_hub::{Hub, configure as c};

use crate::caller::BODY_BYTES_MAX;
use crate::nouns::{
    access, agents, alerts, analytics, automations, browsers, channels, config, deployments, events, halt,
    heartbeats, incidents, integrations, keys, metrics, objects, overview, rules, runs, schedules, scripts,
    servers, services, silences, ssh,
};
use crate::{
    calendar, dashboard, headers, health, idempotency, links, live, opsgenie, otlp, pings, problem,
    prometheus, signals, slack_actions, twilio_calls,
};

/// Handler of each endpoint, by its id.
fn handlers() -> Vec<(&'static str, MethodRouter<Hub>)> {
    let mut all = people();
    all.extend(state());
    all.extend(switches());
    all.extend(trouble());
    all.extend(configuration());
    all.extend(on_call());
    all.extend(senders());
    all
}

/// Setup, sessions, users, tokens, audit, the hub's own keys.
fn people() -> Vec<(&'static str, MethodRouter<Hub>)> {
    vec![
        ("setup.get", get(access::setup_status)),
        ("setup.create", post(access::setup)),
        ("login", post(access::login)),
        ("logout", post(access::logout)),
        ("me", get(access::me)),
        ("me.push_key", get(browsers::push_key)),
        ("me.add_browser", post(browsers::add)),
        ("me.test_browser", post(browsers::test)),
        ("me.remove_browser", delete(browsers::remove)),
        ("me.notify_rules", put(access::set_notify_rules)),
        ("user.list", get(access::users)),
        ("user.create", post(access::create_user)),
        ("user.get", get(access::user)),
        ("user.update", patch(access::update_user)),
        ("user.delete", delete(access::delete_user)),
        ("user.password", post(access::password)),
        ("token.list", get(access::tokens)),
        ("token.create", post(access::create_token)),
        ("token.delete", delete(access::delete_token)),
        ("audit.list", get(access::audit)),
        ("key.list", get(keys::list)),
        ("key.rotate", post(keys::rotate)),
        ("key.switch", post(keys::switch)),
        ("key.retire", post(keys::retire)),
        ("key.abort", post(keys::abort)),
    ]
}

/// What the hub sees and does.
fn state() -> Vec<(&'static str, MethodRouter<Hub>)> {
    vec![
        ("overview", get(overview::overview)),
        ("status", get(overview::status)),
        ("metrics.merge", post(metrics::merge)),
        ("server.list", get(servers::list)),
        ("server.create", post(servers::create)),
        ("server.get", get(servers::get)),
        ("server.update", patch(servers::update)),
        ("server.delete", delete(servers::delete)),
        ("server.enrol", post(servers::enrol)),
        ("server.collect", post(servers::collect)),
        ("server.panels", get(servers::panels)),
        ("server.processes", get(servers::processes)),
        ("agent.binaries", get(agents::binaries)),
        ("agent.binary", get(agents::binary)),
        ("event.list", get(events::list)),
        ("event.create", post(events::create)),
        ("rule.preview", post(rules::preview)),
        ("rule.backtest", post(rules::backtest)),
        ("rule.import", post(rules::import)),
        ("channel.preview", post(channels::preview)),
        ("channel.test", post(channels::test)),
        ("script.versions", get(scripts::versions)),
        ("script.sign", put(scripts::approve)),
        ("run.list", get(runs::list)),
        ("run.create", post(runs::create)),
        ("run.exec", post(runs::exec)),
        ("run.update_agents", post(runs::update_agents)),
        ("run.get", get(runs::get)),
        ("run.cancel", post(runs::cancel)),
        ("run.approve", post(runs::approve)),
        ("run.deny", post(runs::deny)),
        ("run.folded", get(runs::folded)),
        ("run.output", get(runs::output)),
        ("deployment.list", get(deployments::list)),
        ("deployment.create", post(deployments::create)),
        ("deployment.targets", post(deployments::targets)),
        ("deployment.get", get(deployments::get)),
        ("deployment.retry", post(deployments::retry)),
        ("deployment.cancel", post(deployments::cancel)),
        ("host_key.list", get(ssh::host_keys)),
        ("host_key.offer", post(ssh::offer)),
        ("host_key.confirm", post(ssh::confirm)),
        ("host_key.revoke", post(ssh::revoke)),
        ("credential.list", get(ssh::credentials)),
        ("credential.create", post(ssh::create_credential)),
        ("credential.delete", delete(ssh::delete_credential)),
        ("automation.preview", post(automations::preview)),
        ("automation.fire", post(automations::fire)),
        ("automation.take_over", post(automations::take_over)),
        ("automation.close_breaker", post(automations::close_breaker)),
        ("automation.approve", post(automations::approve)),
        ("automation.deny", post(automations::deny)),
    ]
}

/// What went wrong, and how it went.
fn trouble() -> Vec<(&'static str, MethodRouter<Hub>)> {
    vec![
        ("alert.list", get(alerts::list)),
        ("incident.list", get(incidents::list)),
        ("incident.create", post(incidents::create)),
        ("incident.stats", get(incidents::stats)),
        ("analytics.incidents", get(analytics::incidents)),
        ("incident.get", get(incidents::get)),
        ("incident.timeline", get(incidents::timeline)),
        ("incident.deliveries", get(incidents::deliveries)),
        ("incident.ack", post(incidents::ack)),
        ("incident.unack", post(incidents::unack)),
        ("incident.escalate", post(incidents::escalate)),
        ("incident.resolve", post(incidents::resolve)),
        ("incident.reopen", post(incidents::reopen)),
        ("incident.merge", post(incidents::merge)),
        ("incident.note", post(incidents::note)),
    ]
}

/// The ids of a noun's five verbs.
macro_rules! five {
    ($noun:literal) => {
        [
            concat!($noun, ".list"),
            concat!($noun, ".create"),
            concat!($noun, ".get"),
            concat!($noun, ".update"),
            concat!($noun, ".delete"),
        ]
    };
}

/// What people write down: the same five verbs for each noun.
fn configuration() -> Vec<(&'static str, MethodRouter<Hub>)> {
    let mut all = vec![
        ("config.check", post(config::check)),
        ("config.apply", post(config::apply)),
        ("config.versions", get(config::versions)),
        ("silence.expire", post(silences::expire)),
    ];
    all.extend(configured::<c::Rules>(five!("rule")));
    all.extend(configured::<c::Services>(five!("service")));
    all.push(("service.page_plan", get(services::page_plan)));
    all.extend(configured::<c::Teams>(five!("team")));
    all.extend(configured::<c::Routes>(five!("route")));
    all.extend(configured::<c::Policies>(five!("policy")));
    all.extend(configured::<c::Channels>(five!("channel")));
    all.extend(configured::<c::Silences>(five!("silence")));
    all.extend(configured::<c::MaintenanceWindows>(five!("maintenance")));
    all.extend(configured::<c::Inhibitions>(five!("inhibition")));
    all.extend(configured::<c::Scripts>(five!("script")));
    all.extend(configured::<c::Automations>(five!("automation")));
    all
}

/// Other tools, and jobs that say that they ran.
fn senders() -> Vec<(&'static str, MethodRouter<Hub>)> {
    let mut all = vec![
        ("integration.list", get(objects::list::<c::Integrations>)),
        // The key is shown with it: the only handler of these five that is its own.
        ("integration.create", post(integrations::create)),
        ("integration.get", get(objects::get::<c::Integrations>)),
        ("integration.update", put(objects::update::<c::Integrations>)),
        ("integration.delete", delete(objects::delete::<c::Integrations>)),
        ("integration.held", get(integrations::held)),
        ("integration.new_key", post(integrations::new_key)),
        ("integration.preview", post(integrations::preview)),
    ];
    all.extend(configured::<c::Heartbeats>(five!("heartbeat")));
    all.push(("heartbeat.pings", get(heartbeats::pings)));
    all
}

/// What stops everything of a kind, on all hubs of a database.
fn switches() -> Vec<(&'static str, MethodRouter<Hub>)> {
    vec![
        ("halt.get", get(halt::get)),
        ("halt.begin", put(halt::begin)),
        ("halt.end", delete(halt::end)),
        ("page_hold.get", get(halt::get_page_hold)),
        ("page_hold.end", delete(halt::end_page_hold)),
    ]
}

/// Schedules, and what follows from them.
fn on_call() -> Vec<(&'static str, MethodRouter<Hub>)> {
    let mut all = configured::<c::Schedules>(five!("schedule"));
    all.extend([
        ("on_call.list", get(schedules::all_on_call)),
        ("schedule.on_call", get(schedules::on_call)),
        ("schedule.shifts", get(schedules::shifts)),
        ("schedule.gaps", get(schedules::gaps)),
        ("schedule.override", post(schedules::add_override)),
        ("schedule.end_override", delete(schedules::end_override)),
        ("schedule.swap", post(schedules::offer_swap)),
        ("schedule.take_swap", post(schedules::take_swap)),
        ("schedule.withdraw_swap", delete(schedules::withdraw_swap)),
        ("schedule.calendar", post(schedules::new_calendar)),
        ("schedule.end_calendar", delete(schedules::end_calendar)),
    ]);
    all
}

/// The five verbs of a configured noun.
fn configured<N: c::Noun>(ids: [&'static str; 5]) -> Vec<(&'static str, MethodRouter<Hub>)> {
    let handlers = [
        get(objects::list::<N>),
        post(objects::create::<N>),
        get(objects::get::<N>),
        put(objects::update::<N>),
        delete(objects::delete::<N>),
    ];
    ids.into_iter().zip(handlers).collect()
}

/// Everything people and their tools reach.
pub fn router(hub: Hub) -> Router {
    let mut api = Router::new();
    for (id, handler) in handlers() {
        let endpoint = endpoints::find(id).unwrap_or_else(|| panic!("{id} is not in the table of endpoints"));
        api = api.route(&format!("/api/v1{}", endpoint.path), handler);
    }
    api.route("/api/v1/openapi.json", get(|| async { Json(watchtower_api_types::document()) }))
        .route("/api/v1/schedules/{schedule}/calendar.ics", get(calendar::calendar))
        .route("/api/v1/live", get(live::upgrade))
        .merge(prometheus::routes())
        .merge(otlp::routes())
        .merge(signals::routes())
        .merge(opsgenie::routes())
        .merge(pings::routes())
        .merge(links::routes())
        .merge(slack_actions::routes())
        .merge(twilio_calls::routes())
        .route("/metrics", get(health::metrics))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/i/{number}", get(dashboard::incident_link))
        .route("/s/{name}", get(dashboard::server_link))
        .route("/r/{number}", get(dashboard::run_link))
        .fallback(dashboard::serve)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(hub.clone(), idempotency::replay))
        .layer(from_fn_with_state(hub.clone(), headers::same_origin))
        .layer(from_fn(headers::secure))
        .with_state(hub)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_has_exactly_one_handler() {
        let mut handled: Vec<_> = handlers().into_iter().map(|(id, _)| id).collect();
        let mut known: Vec<_> = endpoints::ENDPOINTS.iter().map(|endpoint| endpoint.id).collect();
        handled.sort_unstable();
        known.sort_unstable();
        assert_eq!(handled, known);
    }
}
