//! One suite on both buses, and what only Redis can do: go away and come back.

mod outage;
mod redis_server;
mod suite;
