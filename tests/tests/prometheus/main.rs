//! Beside a real Prometheus: the same samples by remote_write into both, the same questions to both, the same answers.
//!
//! `SEED=n` repeats a run, `QUERIES=n` asks more.

mod alerting;
mod importing;
mod metadata;
mod api;
mod backtest;
mod data;
mod differential;
mod forward;
mod generate;
mod random;
mod rule_pack;
mod rule_test;
mod scraping;
mod senders;
mod otlp;
