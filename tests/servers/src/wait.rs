//! Waiting in real time, on a thread that may.

use std::{
    panic, thread,
    time::{Duration, Instant},
};

use tokio::task;

use super::ServerError;

/// How long anything may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Time between two looks.
const PERIOD: Duration = Duration::from_millis(5);

/// Does what waits where it stands on a thread that may.
pub(super) async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, ServerError> + Send + 'static,
) -> Result<T, ServerError> {
    match task::spawn_blocking(act).await {
        Ok(outcome) => outcome,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => panic::resume_unwind(panic),
            Err(_) => Err(ServerError::Shutdown),
        },
    }
}

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
