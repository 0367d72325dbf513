//! Requests as senders make them, and as attackers do.

mod otlp;
mod remote_write;
mod signals;
