//! Targets that cannot work.
