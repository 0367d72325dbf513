//! Schedules as a caller sees them: against the clocks minute by minute, and in cases.

mod clocks;
mod zones;
mod cases;
mod tiling;
