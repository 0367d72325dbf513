//! The one guarded connector: every connection that the hub opens to the outside goes through here.
//!
//! Invariants: an address is judged after the name was resolved, and the very address that was judged is
//! connected to. Loopback, link-local, metadata, multicast and the hub's own listeners are out of reach, also
//! in their IPv6 disguises, unless the operator listed an exception. Nothing waits without a limit, no
//! redirect is followed, and what a peer answers is never repeated beyond a short masked excerpt.

mod address;
mod connect;
mod error;
mod exceptions;
mod http;
mod retry_after;
mod tls;

pub use address::{Forbidden, judge};
pub use connect::{ADDRESSES_TRIED_MAX, Egress, EgressConfig};
pub use error::EgressError;
pub use exceptions::{Exception, ParseExceptionError};
pub use http::{
    EXCERPT_CHARS_MAX, HttpRequest, HttpResponse, REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX, mask_excerpt,
};
pub use hyper::Method;
pub use rustls_pki_types::CertificateDer;
pub use tls::TlsStream;
