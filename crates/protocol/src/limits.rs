//! The bounds of the protocol. Both sides enforce them; a peer that breaks one is told which.

/// Bytes of a frame after authentication, as received.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a message once decompressed.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of a frame before authentication.
pub const HANDSHAKE_BYTES_MAX: usize = 8 * 1024;
/// Below this a message is sent as text even when zstd was agreed: compression would not pay.
pub const COMPRESS_BYTES_MIN: usize = 512;
/// Time for an unauthenticated connection to prove itself.
pub const HANDSHAKE_TIMEOUT_MS: u64 = 10_000;
/// The default interval of reports.
pub const INTERVAL_MS: u32 = 10_000;
/// The shortest interval a hub may ask for.
pub const INTERVAL_MS_MIN: u32 = 1_000;
/// How long a shorter interval holds without being renewed.
pub const INTERVAL_LEASE_MS: u32 = 60_000;
/// Bytes of one chunk of a script's output.
pub const OUTPUT_CHUNK_BYTES_MAX: usize = 32 * 1024;
/// Output that may be under way without the hub's acknowledgement, per execution.
pub const OUTPUT_WINDOW_BYTES: u64 = 256 * 1024;
/// Backfill reports an agent may have under way.
pub const BACKFILL_CREDITS: u32 = 64;
/// Executions at once on one agent.
pub const EXECUTIONS_MAX: usize = 4;
/// How far agent's and hub's clocks may differ before a signed command is refused.
pub const COMMAND_SKEW_MS: i64 = 5 * 60_000;
