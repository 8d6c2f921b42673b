//! Threads for work that blocks, apart from those of the runtime.

use std::{
    any::Any,
    collections::VecDeque,
    fmt,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
    thread,
    time::Duration,
};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

/// Threads of their own for work that blocks: hashing passwords, SQLite, files.
///
/// The runtime's pool for blocking work is shared with whatever else blocks, such as synchronous consumers. Those may wait for a
/// password or a session, so that these must not wait for a thread of the same pool. Threads are started when there is work, up
/// to a number, and end after some seconds without any. Cheap to clone; all clones share them.
///
/// ```
/// use std::num::NonZeroUsize;
///
/// use solent_session::Threads;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), solent_session::ThreadsError> {
/// let threads = Threads::new("reports", NonZeroUsize::MIN, 100);
///
/// assert_eq!(threads.run(|| 6 * 7).await?, 42);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Threads(Arc<Inner>);

struct Inner {
    name: &'static str,
    most: usize,
    queue: usize,
    /// Held for a moment, never across work.
    state: Mutex<State>,
    /// Rung when there is work.
    bell: Condvar,
}

#[derive(Default)]
struct State {
    /// What no thread has begun.
    work: VecDeque<Box<dyn FnOnce() + Send>>,
    /// Threads that there are, those that are only starting among them.
    threads: usize,
    /// Those of them that are at work.
    busy: usize,
}

/// How long a thread stays that has nothing to do.
const IDLE: Duration = Duration::from_secs(10);

/// Work was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ThreadsError {
    /// As much work waits as may. Nothing was done; try again later, or answer with 503.
    #[error("too much work waits for the threads that do it")]
    Busy,

    /// The system starts no more threads.
    #[error("the system starts no threads for work that blocks")]
    NoThreads,
}

impl Threads {
    /// At most `threads` threads with this name, and at most `queue` pieces of work that wait for one.
    #[must_use]
    pub fn new(name: &'static str, threads: NonZeroUsize, queue: usize) -> Self {
        Self(Arc::new(Inner {
            name,
            most: threads.get(),
            queue,
            state: Mutex::default(),
            bell: Condvar::new(),
        }))
    }

    /// Does `work` on one of the threads. A panic of it goes on in the caller.
    ///
    /// # Errors
    ///
    /// [`ThreadsError`] if it was not done.
    ///
    /// # Cancel safety
    ///
    /// Work that has not begun is not done. What has begun is done to its end.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ThreadsError> {
        let (tx, rx) = oneshot::channel::<Result<T, Box<dyn Any + Send>>>();
        self.push(Box::new(move || {
            if !tx.is_closed() {
                let _ = tx.send(catch_unwind(AssertUnwindSafe(work)));
            }
        }))?;
        match rx.await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(ThreadsError::NoThreads),
        }
    }

    fn push(&self, work: Box<dyn FnOnce() + Send>) -> Result<(), ThreadsError> {
        let mut state = self.0.state.lock();
        let under_way = state.work.len() + state.busy;
        if under_way >= self.0.most.saturating_add(self.0.queue) {
            return Err(ThreadsError::Busy);
        }
        state.work.push_back(work);
        let free = state.threads - state.busy;
        if free >= state.work.len() || state.threads >= self.0.most {
            drop(state);
            self.0.bell.notify_one();
            return Ok(());
        }
        state.threads += 1;
        drop(state);
        let inner = Arc::clone(&self.0);
        let started = thread::Builder::new()
            .name(self.0.name.to_owned())
            .spawn(move || inner.serve());
        if started.is_ok() {
            return Ok(());
        }
        let mut state = self.0.state.lock();
        state.threads -= 1;
        if state.threads > 0 {
            // Another one does it.
            return Ok(());
        }
        state.work.clear();
        Err(ThreadsError::NoThreads)
    }
}

impl Inner {
    /// Works until there has been nothing to do for a while.
    fn serve(&self) {
        let mut state = self.state.lock();
        loop {
            if let Some(work) = state.work.pop_front() {
                state.busy += 1;
                drop(state);
                // It catches its own panics.
                work();
                state = self.state.lock();
                state.busy -= 1;
                continue;
            }
            let waited = self.bell.wait_for(&mut state, IDLE);
            if waited.timed_out() && state.work.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.state.lock();
        f.debug_struct("Threads")
            .field("name", &self.0.name)
            .field("threads", &state.threads)
            .field("waiting", &state.work.len())
            .finish_non_exhaustive()
    }
}

/// Waits for a future on a thread that may block, such as that of a synchronous consumer: `wait(session.get("cart"))`,
/// `wait(users.authenticate(password))`, `wait(auth.login(user))`.
///
/// Sessions, users, logins and passwords of these crates do what blocks on [threads of their own](Threads), so that any number
/// of synchronous handlers may wait for them at the same time. What a handler must not wait for is work of the
/// runtime's own pool for blocking work, as of `tokio::task::spawn_blocking` and `tokio::fs`: all of its threads may be waiting handlers.
///
/// # Panics
///
/// Panics on a thread that runs asynchronous tasks, where `.await` is what waits, and outside a runtime.
pub fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Handle::current().block_on(future)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const ONE: NonZeroUsize = NonZeroUsize::MIN;

    #[tokio::test]
    async fn more_work_than_may_wait_is_refused() {
        let threads = Threads::new("test", ONE, 1);
        let (open, gate) = mpsc::channel::<()>();
        let under_way = threads.run(move || gate.recv().is_ok());
        let mut under_way = std::pin::pin!(under_way);
        assert!(futures_poll(under_way.as_mut()).await.is_none());
        while !threads.0.state.lock().work.is_empty() {
            tokio::task::yield_now().await;
        }
        let waiting = threads.run(|| 2);
        let mut waiting = std::pin::pin!(waiting);
        assert!(futures_poll(waiting.as_mut()).await.is_none());

        assert_eq!(threads.run(|| 3).await, Err(ThreadsError::Busy));

        open.send(()).unwrap();
        assert_eq!(under_way.await, Ok(true));
        assert_eq!(waiting.await, Ok(2));
    }

    /// Polls once.
    async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        std::future::poll_fn(|cx| {
            std::task::Poll::Ready(match future.as_mut().poll(cx) {
                std::task::Poll::Ready(output) => Some(output),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }

    #[tokio::test]
    #[should_panic(expected = "by the work")]
    async fn panic_of_the_work_is_the_callers() {
        let threads = Threads::new("test", ONE, 1);

        let _ = threads.run(|| panic!("by the work")).await;
    }

    #[test]
    fn handlers_that_take_all_threads_of_the_runtime_still_get_their_answers() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let threads = Threads::new("test", ONE, 64);

        let answers = runtime.block_on(async {
            let mut handlers = tokio::task::JoinSet::new();
            for n in 0..20 {
                let threads = threads.clone();
                handlers.spawn_blocking(move || wait(threads.run(move || n)).unwrap());
            }
            let mut answers = handlers.join_all().await;
            answers.sort_unstable();
            answers
        });

        assert_eq!(answers, (0..20).collect::<Vec<_>>());
    }
}
