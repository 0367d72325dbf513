//! Buttons below messages in Telegram: one hub of a database asks each bot whether one was pressed, and answers.
//!
//! Invariant: a press counts only in the chat that its channel writes to. A press that was taken and not confirmed is taken again, which
//! changes nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use watchtower_incident::Actor;
use watchtower_model::ChannelId;
use watchtower_notify::{ChannelConfig, DeliveryError, HTTP_TIMEOUT, POLL_WAIT, Press, TelegramConfig};
use watchtower_store::{DbError, Reached};

use super::links::{self, Linked};
use crate::error::HubError;
use crate::jobs::send::open_config;
use crate::{Hub, Objects, random};

/// Bots that are asked; buttons of others do nothing.
const BOTS_MAX: usize = 20;
/// How often it is looked which bots there are.
const LOOK: Duration = Duration::from_secs(1);
/// How long a hub is taken to be at it: longer than a question, the two calls that follow from it, and a pause.
const TURN_MS: i64 = (POLL_WAIT.as_millis() + 4 * HTTP_TIMEOUT.as_millis()) as i64;
/// After the first failure, doubled by each further one up to the longest.
const RETRY_FIRST: Duration = Duration::from_secs(2);
const RETRY_MAX: Duration = Duration::from_secs(300);

#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("{0}")]
    Telegram(#[from] DeliveryError),
    #[error("database: {0}")]
    Database(#[from] DbError),
}

/// Asks every bot of an enabled channel until the hub stops.
pub async fn run(hub: Hub) {
    // Of an embedded database this hub is the only one, whoever had the turn before.
    let holder = match hub.config.database_url {
        None => "alone".to_string(),
        Some(_) => random::hex(&random::bytes::<8>()),
    };
    let mut asked: HashMap<String, JoinHandle<()>> = HashMap::new();
    let mut known: Option<Arc<Objects>> = None;
    while hub.running() {
        let objects = hub.objects();
        if !known.as_ref().is_some_and(|known| Arc::ptr_eq(known, &objects)) {
            let bots = bots(&hub, &objects);
            asked.retain(|bot, task| {
                let stays = bots.contains_key(bot);
                if !stays {
                    task.abort();
                }
                stays
            });
            for (bot, config) in bots {
                let begin = || tokio::spawn(ask(hub.clone(), config, holder.clone()));
                asked.entry(bot).or_insert_with(begin);
            }
            known = Some(objects);
        }
        tokio::select! {
            () = hub.stopped() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// One channel of each bot that enabled channels write by.
fn bots(hub: &Hub, objects: &Objects) -> BTreeMap<String, TelegramConfig> {
    let enabled = objects.channels.iter().filter(|channel| channel.body.enabled);
    let configs = enabled.filter_map(|channel| open_config(hub, ChannelId(channel.id), &channel.body).ok());
    let mut bots: BTreeMap<String, TelegramConfig> = BTreeMap::new();
    for config in configs {
        let ChannelConfig::Telegram(config) = config else { continue };
        if bots.len() == BOTS_MAX && !bots.contains_key(&config.bot()) {
            tracing::warn!(
                "there are more than {BOTS_MAX} bots of Telegram: the buttons of the others do nothing"
            );
            break;
        }
        bots.insert(config.bot(), config);
    }
    bots
}

async fn ask(hub: Hub, bot: TelegramConfig, holder: String) {
    let name = format!("telegram/{}", &random::hash_secret(&bot.bot())[..16]);
    let mut failures = 0_u32;
    while hub.running() {
        let wait = tokio::select! {
            () = hub.stopped() => break,
            outcome = ask_once(&hub, &bot, &name, &holder) => match outcome {
                Ok(wait) => {
                    failures = 0;
                    wait
                }
                Err(error) => {
                    // Once: it may go on for days, as where another program asks the same bot.
                    if failures == 0 {
                        tracing::warn!("buttons of Telegram: {error}");
                    }
                    failures = failures.saturating_add(1);
                    (RETRY_FIRST * 2_u32.saturating_pow(failures.min(10) - 1)).min(RETRY_MAX)
                }
            },
        };
        tokio::select! {
            () = hub.stopped() => break,
            () = tokio::time::sleep(wait) => {}
        }
    }
    // Whoever comes next need not wait for the turn to run out.
    let now = hub.now();
    let _ = hub.store.take_turn(&name, &holder, now, now).await;
}

/// One question, if it is this hub's turn. Returns how long to wait before the next.
async fn ask_once(hub: &Hub, bot: &TelegramConfig, name: &str, holder: &str) -> Result<Duration, AskError> {
    let now = hub.now();
    let mut turn = match hub.store.take_turn(name, holder, now, now.plus_ms(TURN_MS)).await? {
        Reached::Held(turn) => turn,
        Reached::Busy(until) => {
            let wait = Duration::from_millis(until.since(now).clamp(0, TURN_MS) as u64);
            return Ok(wait.max(LOOK));
        }
    };
    let polled = bot.poll(&hub.egress, turn.mark()).await?;
    for press in &polled.presses {
        take(hub, bot, press).await;
    }
    if polled.next == turn.mark() {
        // A gateway that answers at once is not asked without end.
        return Ok(LOOK);
    }
    hub.store.keep_turn(&mut turn, polled.next, hub.now().plus_ms(TURN_MS)).await?;
    Ok(Duration::ZERO)
}

/// Does what was asked for, and says what came of it: to who pressed, and to the chat.
async fn take(hub: &Hub, bot: &TelegramConfig, press: &Press) {
    let said = match pressed(hub, bot, press).await {
        Ok(who) => {
            if let Err(error) = bot.settle(&hub.egress, press, &who).await {
                tracing::warn!("a button in Telegram stays as it was: {error}");
            }
            who
        }
        Err(HubError::NotFound { .. }) => "This button does nothing any more.".into(),
        Err(HubError::RateLimited { .. }) => "Too often: try again in some seconds.".into(),
        Err(error) => {
            tracing::error!("a button in Telegram: {error}");
            "The hub could not take it. Try again, or sign in to the dashboard.".into()
        }
    };
    // Too late an answer is refused; the button tells, too.
    if let Err(error) = bot.answer(&hub.egress, press, &said).await {
        tracing::debug!("a press in Telegram is not answered: {error}");
    }
}

/// Acknowledges. Returns who has it.
async fn pressed(hub: &Hub, bot: &TelegramConfig, press: &Press) -> Result<String, HubError> {
    let linked = links::look(hub, &press.data).await?;
    if !belongs(hub, bot, press, &linked)? {
        return Err(HubError::not_found("button", "of this chat"));
    }
    let by = match &linked.by {
        Actor::User(_) if press.private => linked.by.clone(),
        _ => Actor::Api(format!("{} in Telegram", press.by)),
    };
    let via = format!("the button sent to channel {}", linked.channel_name);
    Ok(links::who_has(hub, &links::take(hub, linked, by, &via).await?))
}

/// Whether the press came by the bot and in the chat of the channel that the button was made for.
fn belongs(hub: &Hub, bot: &TelegramConfig, press: &Press, linked: &Linked) -> Result<bool, HubError> {
    let objects = hub.objects();
    let Some(channel) = objects.channel(linked.channel) else { return Ok(false) };
    let config = open_config(hub, linked.channel, &channel.body)?;
    Ok(match config {
        ChannelConfig::Telegram(own) => own.bot() == bot.bot() && own.is_from_own_chat(press),
        _ => false,
    })
}
