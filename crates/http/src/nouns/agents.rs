//! The agent's programs and what agents trust, for deployments that are run from elsewhere.

use axum::Json;
use axum::extract::Path;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use watchtower_api_types::{AgentBinaries, AgentBinary, AgentProgram};
use watchtower_hub::link::Shipped;

use crate::caller::{Caller, Reply};

pub async fn binaries(caller: Caller) -> Reply<AgentBinaries> {
    let bundle = caller.hub.bundle();
    let item = |shipped: Shipped| AgentBinary {
        arch: shipped.arch.into(),
        version: shipped.version.into(),
        sha256: shipped.sha256,
        size_bytes: shipped.bytes.len() as u64,
    };
    Ok(Json(AgentBinaries {
        hub_id: bundle.hub_id.clone(),
        urls: bundle.urls.clone(),
        pins: bundle.roots.iter().map(|pin| pin.0.clone()).collect(),
        bundle: bundle.to_line(),
        items: caller.hub.config.programs.all().into_iter().map(item).collect(),
    }))
}

pub async fn binary(caller: Caller, Path(arch): Path<String>) -> Reply<AgentProgram> {
    let shipped = caller.hub.config.programs.shipped(&arch)?;
    Ok(Json(AgentProgram {
        arch,
        version: shipped.version.into(),
        sha256: shipped.sha256,
        data: STANDARD.encode(&shipped.bytes),
    }))
}
