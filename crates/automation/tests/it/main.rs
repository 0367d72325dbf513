//! Automations as the hub sees them: every gate alone, and stories of attempts with virtual time.

mod gates;
mod story;
mod cron;
mod firing;
