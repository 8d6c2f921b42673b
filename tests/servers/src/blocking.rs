//! What waits where it stands, on a thread that may.

use std::panic;

use tokio::task;

use super::ServerError;

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
