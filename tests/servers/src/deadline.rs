//! Waiting for something to become true, in real time.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How long anything may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Time between two looks.
const PERIOD: Duration = Duration::from_millis(5);

/// Asks until there is an answer; `None` when [`PATIENCE`] has run out.
pub(super) fn poll<T, E>(mut ask: impl FnMut() -> Result<Option<T>, E>) -> Result<Option<T>, E> {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask()? {
            return Ok(Some(answer));
        }
        if start.elapsed() > PATIENCE {
            return Ok(None);
        }
        thread::sleep(PERIOD);
    }
}
