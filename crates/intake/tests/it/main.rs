//! Requests as senders make them, and as attackers do.

mod remote_write;
