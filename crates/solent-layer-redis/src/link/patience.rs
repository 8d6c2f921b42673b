//! How long the other end may be silent.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep_until};

use crate::RedisConfig;

/// How long something is waited for that needs a connection first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// How long for the connection.
    pub(crate) connection: Duration,
    /// How long for the answer over it.
    pub(crate) answer: Duration,
}

impl Patience {
    pub(crate) fn new(config: &RedisConfig) -> Self {
        Self {
            connection: config.send_wait,
            answer: config.response_timeout,
        }
    }
}

/// A timer that is later than this says that the process itself stood still.
const LATE: Duration = Duration::from_secs(1);

/// The output of `future`, if it comes within `limit`.
///
/// A process that was stopped, or whose threads were, has not waited: the answer may lie in the socket already. It waits
/// once more, for as long.
pub(crate) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    tokio::pin!(future);
    loop {
        let deadline = Instant::now() + limit;
        tokio::select! {
            biased;
            output = &mut future => return Some(output),
            () = sleep_until(deadline) => {}
        }
        if deadline.elapsed() < LATE {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, thread};

    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_ends_the_wait() {
        assert_eq!(within(Duration::from_secs(5), pending::<()>()).await, None);
        assert_eq!(within(Duration::from_secs(5), async { 1 }).await, Some(1));
    }

    #[tokio::test]
    async fn process_that_stood_still_waits_once_more() {
        let answer = async {
            // Both timers fire at the same moment, as they do when a process goes on.
            sleep(Duration::from_millis(20)).await;
            sleep(Duration::from_millis(1)).await;
            1
        };
        let waiting = tokio::spawn(within(Duration::from_millis(10), answer));
        tokio::task::yield_now().await;
        thread::sleep(LATE + Duration::from_millis(50));

        assert_eq!(waiting.await.unwrap(), Some(1));
    }
}
