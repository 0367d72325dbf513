//! The incident engine as a caller sees it: stories with virtual time, and a seeded random walk.

mod story;
mod schedules;
mod walk;
