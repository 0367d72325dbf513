//! Free TCP ports. Another process may take one before it is used: those who start servers try again.

use std::net::TcpListener;

/// A port of the loopback address that was free a moment ago.
///
/// # Panics
/// If the machine has none left.
pub fn free() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback address has a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}
