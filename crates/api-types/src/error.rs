//! How every endpoint says no.

use crate::derive::shapes;

shapes! {
    /// RFC 9457 problem, `application/problem+json`.
    pub struct Problem {
        /// `about:blank`: `code` says what kind of problem it is.
        #[serde(rename = "type")]
        pub kind: String,
        pub title: String,
        pub status: u16,
        /// Stable, for programs: `not_found`, `validation`, `conflict`, `forbidden`, `unauthenticated`, `rate_limited`, ...
        pub code: String,
        /// What went wrong, for people; names the field where there is one.
        pub detail: String,
        /// What to do next.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub hint: Option<String>,
        /// The field of the request that is wrong, as a JSON path.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub field: Option<String>,
        /// Also in the hub's log.
        pub request_id: String,
    }
}
