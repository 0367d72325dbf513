//! End to end: the real hub, real agents on real hosts, real databases, and faults on purpose.

mod flow;
mod rollout;
mod executor;
mod proof;
mod crash;
mod crash_metrics;
mod lab;
mod damage;
mod disk;
mod deploy;
mod hostile;
mod forged;
mod keys;
mod update;
mod hostile_api;
mod access;
mod known_holes;
mod restart;
mod signals;
mod told;
mod absence;
mod overload;
mod standing;
mod deployments;
mod wizard;
mod other_arch;
