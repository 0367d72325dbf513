//! The engine against real sshds of this machine, up to the plan: nothing here changes the machine.

mod sshd;
mod memory;
mod host_keys;
mod keys;
mod ways;
