//! A bridge with a subnet of its own: the hub's side is `.1`, hosts are `.11` and up.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;

use super::{Host, attempt, base, cache, lacking, must, unmount_below};

const NUMBERS: std::ops::RangeInclusive<u8> = 1..=200;

/// Holds the number; the bridge is removed on drop.
pub struct Network {
    number: u8,
    pub(super) base: PathBuf,
    _lock: File,
}

impl Network {
    /// `None` if this machine cannot boot hosts, with the reason told.
    ///
    /// # Panics
    /// With `CI=true` and a lack; or when no number is free.
    pub fn start() -> Option<Arc<Network>> {
        if lacking() {
            return None;
        }
        let base = base::ready();
        allow_many_hosts();
        let (number, lock) = NUMBERS
            .filter_map(|number| {
                let lock = File::create(cache().join(format!("network-{number}.lock"))).ok()?;
                lock.try_lock().is_ok().then_some((number, lock))
            })
            .next()
            .expect("a network number is free");
        let network = Network { number, base, _lock: lock };
        network.clear();
        let bridge = network.bridge();
        must("ip", &["link", "add", &bridge, "type", "bridge"]);
        must("ip", &["addr", "add", &format!("{}/24", network.gateway()), "dev", &bridge]);
        must("ip", &["link", "set", &bridge, "up"]);
        Some(Arc::new(network))
    }

    /// This machine's address as the hosts see it.
    pub fn gateway(&self) -> String {
        format!("10.199.{}.1", self.number)
    }

    /// Boots host `index` (from 1): seconds.
    ///
    /// # Panics
    /// If it does not come up within a minute, with the end of its console.
    pub fn host(self: &Arc<Network>, index: u8) -> Host {
        Host::boot(Arc::clone(self), index)
    }

    /// Boots hosts 1 to `count` at the same time.
    ///
    /// # Panics
    /// If one does not come up.
    pub fn hosts(self: &Arc<Network>, count: u8) -> Vec<Host> {
        std::thread::scope(|scope| {
            let booting: Vec<_> = (1..=count).map(|index| scope.spawn(move || self.host(index))).collect();
            booting.into_iter().map(|host| host.join().expect("it boots")).collect()
        })
    }

    pub(super) fn bridge(&self) -> String {
        format!("wtbr{}", self.number)
    }

    pub(super) fn machine(&self, index: u8) -> String {
        format!("wt{}-{index}", self.number)
    }

    pub(super) fn address(&self, index: u8) -> String {
        format!("10.199.{}.{}", self.number, 10 + u16::from(index))
    }

    /// Where the hosts' overlays are.
    pub(super) fn folder(&self) -> PathBuf {
        cache().join(format!("run/{}", self.number))
    }

    /// Removes whatever is there under this number.
    fn clear(&self) {
        let prefix = format!("vb-wt{}-", self.number);
        for link in fs::read_dir("/sys/class/net").into_iter().flatten().flatten() {
            let name = link.file_name().to_string_lossy().into_owned();
            if name.starts_with(&prefix) {
                attempt("ip", &["link", "del", &name]);
            }
        }
        attempt("ip", &["link", "del", &self.bridge()]);
        unmount_below(&self.folder());
        attempt("rm", &["-rf", "--one-file-system", &self.folder().to_string_lossy()]);
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Each systemd takes dozens of inotify instances; the default of 128 is enough for two hosts.
fn allow_many_hosts() {
    let path = "/proc/sys/fs/inotify/max_user_instances";
    let now: u32 = fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    if now < 8192 {
        let _ = fs::write(path, "8192");
    }
}
