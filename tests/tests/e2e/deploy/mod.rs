//! Deployments over SSH to real hosts: what goes well, what is refused and why, and what is left behind.

mod life;
mod back;
mod bulk;
mod fleet;
mod killed;
mod rights;
mod broken;
