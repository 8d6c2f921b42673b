//! Whether the client of a connection is still there.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{
            AtomicBool,
            Ordering::{Acquire, Release},
        },
    },
    task::{Context, Poll, Waker},
};

/// Resolves once nothing that is sent reaches the client any more; see [`Connection::closed`](crate::Connection::closed).
///
/// It needs neither the connection nor its task, so a handler can wait for it beside its work, a task that the handler
/// started can hold it, and blocking code can ask [`is_closed`](Self::is_closed) between two steps. Each clone waits on
/// its own.
///
/// ```
/// use solent_spec::{Connection, Result, WebSocket};
///
/// async fn search(connection: &mut Connection<WebSocket>) -> Result<Option<String>> {
///     let closed = connection.closed();
///     let answer = async { "42".to_owned() };
///     Ok(tokio::select! {
///         answer = answer => Some(answer),
///         () = closed => None,
///     })
/// }
/// ```
///
/// # Cancel safety
///
/// Cancel safe: a closed connection stays closed.
#[must_use = "futures do nothing unless polled"]
pub struct Closed {
    /// `None` for a connection that never tells.
    shared: Option<Arc<Shared>>,
    /// The place of this clone's waker, once it has waited.
    place: Option<usize>,
    /// What resolves it as well.
    other: Option<Box<Closed>>,
}

/// Tells every [`Closed`] of a connection that it is closed. What implements [`Transport`](crate::Transport) holds it.
///
/// Dropping it tells them as well: a transport that is gone reaches no client.
#[derive(Default)]
pub struct ClosedSignal(Arc<Shared>);

#[derive(Default)]
struct Shared {
    closed: AtomicBool,
    /// Those that wait. Held for a few instructions, never while a waker is called.
    waiting: Mutex<Waiting>,
}

/// The wakers of those that wait, each in a place of its own.
#[derive(Default)]
struct Waiting {
    wakers: Vec<Option<Waker>>,
    /// Places that are free again: all connections of a server may wait for its drain, so none are searched for.
    free: Vec<usize>,
}

impl Waiting {
    fn take_place(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.wakers.push(None);
            self.wakers.len() - 1
        })
    }

    fn leave_place(&mut self, place: usize) -> Option<Waker> {
        let waker = self.wakers.get_mut(place)?.take();
        self.free.push(place);
        waker
    }
}

impl Shared {
    fn is_closed(&self) -> bool {
        self.closed.load(Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Closed {
    pub(crate) fn is_never(&self) -> bool {
        self.shared.is_none()
    }

    /// Never resolves: for transports that cannot tell.
    pub fn never() -> Self {
        Self {
            shared: None,
            place: None,
            other: None,
        }
    }

    /// Resolves when either does: for a transport that wraps another one, and may end the connection itself.
    pub fn or(mut self, other: Self) -> Self {
        self.other = Some(match self.other.take() {
            Some(inner) => Box::new(inner.or(other)),
            None => Box::new(other),
        });
        self
    }

    /// Whether the connection is closed, without waiting.
    pub fn is_closed(&self) -> bool {
        let own = self.shared.as_ref();
        own.is_some_and(|shared| shared.is_closed())
            || self.other.as_ref().is_some_and(|other| other.is_closed())
    }
}

impl Future for Closed {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if let Some(other) = &mut this.other
            && Pin::new(&mut **other).poll(cx).is_ready()
        {
            return Poll::Ready(());
        }
        let Some(shared) = &this.shared else {
            return Poll::Pending;
        };
        if shared.is_closed() {
            return Poll::Ready(());
        }
        let mut waiting = shared.lock();
        // The signal sets the flag before it takes the wakers under this lock, so none is left behind.
        if shared.is_closed() {
            return Poll::Ready(());
        }
        let place = *this.place.get_or_insert_with(|| waiting.take_place());
        match waiting.wakers.get_mut(place) {
            Some(Some(waker)) => waker.clone_from(cx.waker()),
            Some(empty) => *empty = Some(cx.waker().clone()),
            None => {}
        }
        Poll::Pending
    }
}

impl Clone for Closed {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            place: None,
            other: self.other.clone(),
        }
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        if let (Some(shared), Some(place)) = (&self.shared, self.place) {
            let waker = shared.lock().leave_place(place);
            drop(waker);
        }
    }
}

impl fmt::Debug for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closed")
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

impl ClosedSignal {
    /// What resolves when this is [told](Self::close).
    pub fn closed(&self) -> Closed {
        Closed {
            shared: Some(Arc::clone(&self.0)),
            place: None,
            other: None,
        }
    }

    /// Tells that the connection is closed; a second time changes nothing.
    pub fn close(&self) {
        if self.0.closed.swap(true, Release) {
            return;
        }
        let waiting = std::mem::take(&mut *self.0.lock());
        waiting.wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

impl Drop for ClosedSignal {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for ClosedSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClosedSignal")
            .field("is_closed", &self.0.is_closed())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering::SeqCst},
        task::Wake,
    };

    use super::*;

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    fn poll(closed: &mut Closed, task: &Arc<Task>) -> Poll<()> {
        let waker = Arc::clone(task).into();
        Pin::new(closed).poll(&mut Context::from_waker(&waker))
    }

    #[test]
    fn every_clone_is_told_once() {
        let (signal, task) = (ClosedSignal::default(), Arc::<Task>::default());
        let mut first = signal.closed();
        let (mut second, gone) = (first.clone(), first.clone());
        for closed in [&mut first, &mut second, &mut gone.clone()] {
            assert!(poll(closed, &task).is_pending());
        }
        drop(gone);

        signal.close();
        signal.close();

        assert_eq!(task.0.load(SeqCst), 2, "a clone that is gone is not woken");
        assert!(first.is_closed());
        assert!(poll(&mut first, &task).is_ready());
        assert!(poll(&mut second, &task).is_ready());
    }

    #[test]
    fn either_of_two_closes() {
        let task = Arc::<Task>::default();
        for nth in 0..3 {
            let signals = [(); 3].map(|()| ClosedSignal::default());
            let [first, second, third] = signals.each_ref().map(ClosedSignal::closed);
            let mut closed = first.or(second).or(third);
            assert!(poll(&mut closed, &task).is_pending());
            assert!(!closed.is_closed());

            signals[nth].close();

            assert_eq!(task.0.load(SeqCst), nth + 1);
            assert!(closed.is_closed() && closed.clone().is_closed());
            assert!(poll(&mut closed, &task).is_ready());
        }
    }

    #[test]
    fn transport_that_is_gone_is_closed() {
        let signal = ClosedSignal::default();
        let mut closed = signal.closed();
        let task = Arc::<Task>::default();
        assert!(poll(&mut closed, &task).is_pending());

        drop(signal);

        assert_eq!(task.0.load(SeqCst), 1);
        assert!(poll(&mut closed, &task).is_ready());
    }

    #[test]
    fn waiting_again_and_again_takes_one_place() {
        let (signal, task) = (ClosedSignal::default(), Arc::<Task>::default());
        for _ in 0..3 {
            let mut closed = signal.closed();
            assert!(poll(&mut closed, &task).is_pending());
            assert!(poll(&mut closed, &task).is_pending());
        }
        assert_eq!(signal.0.lock().wakers.len(), 1);
    }
}
