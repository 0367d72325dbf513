//! The OpenAPI document as a file, for the dashboard's generated types.

use std::fs;
use std::path::Path;

pub fn write() -> Result<(), String> {
    let mut text =
        serde_json::to_string_pretty(&watchtower_api_types::document()).map_err(|e| e.to_string())?;
    text.push('\n');
    let path = Path::new("web/openapi.json");
    fs::create_dir_all("web").map_err(|e| e.to_string())?;
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}
