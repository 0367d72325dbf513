//! `server list -o ansible`: Ansible's dynamic inventory, with a group for each label.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// Servers as `ansible-inventory` reads them from a script: groups `env_prod`, variables beside each host.
pub fn inventory(servers: &[Value]) -> Value {
    let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut variables = serde_json::Map::new();
    for server in servers {
        let name = server["name"].as_str().unwrap_or("").to_string();
        let mut own = json!({
            "watchtower_id": server["id"], "watchtower_status": server["status"], "watchtower_labels": server["labels"],
        });
        if let Some(address) = address(server) {
            own["ansible_host"] = address.into();
        }
        for (label, value) in server["labels"].as_object().into_iter().flatten() {
            groups.entry(group(label, value.as_str().unwrap_or(""))).or_default().insert(name.clone());
        }
        variables.insert(name, own);
    }
    let mut whole = json!({
        "_meta": { "hostvars": variables },
        "all": { "hosts": variables_names(servers), "children": groups.keys().collect::<Vec<_>>() },
    });
    for (name, hosts) in groups {
        whole[name] = json!({ "hosts": hosts });
    }
    whole
}

fn variables_names(servers: &[Value]) -> Vec<&str> {
    servers.iter().filter_map(|server| server["name"].as_str()).collect()
}

/// The first address that is not the machine's own business.
fn address(server: &Value) -> Option<String> {
    let addresses = server["facts"]["addresses"].as_array()?;
    let mut texts = addresses.iter().filter_map(|address| address.as_str()?.split('/').next());
    texts
        .find(|text| !text.starts_with("127.") && *text != "::1" && !text.starts_with("fe80:"))
        .map(String::from)
}

/// Group names hold letters, digits and underscores.
fn group(label: &str, value: &str) -> String {
    let name = format!("{label}_{value}");
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_become_groups() {
        let servers = [
            json!({"name": "web-1", "id": "1", "status": "up", "labels": {"env": "prod", "role": "web"},
                "facts": {"addresses": ["127.0.0.1", "fe80::1", "10.0.0.1/24"]}}),
            json!({"name": "db", "id": "2", "status": "pending", "labels": {"env": "prod-eu"}, "facts": null}),
        ];
        let whole = inventory(&servers);
        assert_eq!(whole["env_prod"]["hosts"], json!(["web-1"]));
        assert_eq!(whole["all"]["children"], json!(["env_prod", "env_prod_eu", "role_web"]));
        assert_eq!(whole["_meta"]["hostvars"]["web-1"]["ansible_host"], "10.0.0.1");
        assert!(whole["_meta"]["hostvars"]["db"].get("ansible_host").is_none());
    }
}
