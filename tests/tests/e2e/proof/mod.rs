//! The promises about runs, each with the fault that would break it.

mod kill9;
mod partition;
mod endless;
mod herd;
mod clock;
mod journal;
mod losses;
mod storm;
mod stolen;
mod retry;
