//! Asking again and again, without giving up at the first lost answer.

use std::thread;
use std::time::Duration;

use crate::failure::{Exit, Failure};
use crate::session::Session;

/// Answers that may go missing one after the other before a watch ends.
const MISSES_MAX: u32 = 5;

/// Bridges short losses of the hub, once it has answered.
#[derive(Default)]
pub struct Patience {
    answered: bool,
    misses: u32,
}

impl Patience {
    /// The answer; nothing when it is worth asking again.
    pub fn take<T>(
        &mut self,
        session: &mut Session,
        answer: Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        match answer {
            Ok(value) => {
                self.answered = true;
                self.misses = 0;
                Ok(Some(value))
            }
            Err(failure)
                if self.answered
                    && matches!(failure.exit, Exit::Unreachable | Exit::TimedOut)
                    && self.misses < MISSES_MAX =>
            {
                self.misses += 1;
                session.print.say(format!("{}; asking again", failure.message));
                thread::sleep(Duration::from_secs(1));
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }
}
