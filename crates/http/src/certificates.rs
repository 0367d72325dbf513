//! The agents' certificate at the moment of each connection: a root that is rotated needs no restart.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::crypto::ring::default_provider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use watchtower_hub::Hub;
use watchtower_hub::keys::Live;

/// Made anew whenever the hub's keys are.
pub struct AgentCertificates {
    hub: Hub,
    made: Mutex<(Arc<Live>, Arc<CertifiedKey>)>,
}

impl AgentCertificates {
    pub fn new(hub: Hub) -> Result<AgentCertificates, rustls::Error> {
        let live = hub.keys.live();
        let made = Mutex::new((Arc::clone(&live), certified(&live)?));
        Ok(AgentCertificates { hub, made })
    }
}

fn certified(live: &Live) -> Result<Arc<CertifiedKey>, rustls::Error> {
    let certificate = &live.certificate;
    let chain = certificate.chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certificate.key.clone()));
    CertifiedKey::from_der(chain, key, &default_provider()).map(Arc::new)
}

impl ResolvesServerCert for AgentCertificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let live = self.hub.keys.live();
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&made.0, &live) {
            match certified(&live) {
                Ok(key) => *made = (live, key),
                Err(error) => tracing::error!("the agents' certificate stays the one before: {error}"),
            }
        }
        Some(Arc::clone(&made.1))
    }
}

impl fmt::Debug for AgentCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgentCertificates")
    }
}
