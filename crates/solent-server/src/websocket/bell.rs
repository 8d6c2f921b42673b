//! Who woke a task.

use std::{
    sync::{
        Arc,
        atomic::{
            AtomicBool,
            Ordering::{AcqRel, Acquire, Relaxed, Release},
        },
    },
    task::{Wake, Waker},
};

use parking_lot::Mutex;

/// Wakes on behalf of a socket, and remembers whether it has.
///
/// The task of a WebSocket is woken by its mailbox far more often than by its client, in a busy room. To ask the socket each
/// time costs as much as all else that is done for the task to be polled, so it is only asked once its bell has rung.
///
/// The bell wakes two: the socket's own task, which reads while the application does not, and whoever waits for the
/// application's next event. Mostly they are the same task.
#[derive(Debug, Default)]
pub(super) struct Bell {
    /// Whoever reads listens to the socket, and nothing has come since. Set by who reads, cleared by the socket; the sweep
    /// looks at it, since a client whose input waits to be read is not silent.
    silent: AtomicBool,
    /// Messages wait that were read while the application did not read. Set by the socket's task, cleared by the
    /// application's transport.
    waiting: AtomicBool,
    /// Held for a few instructions, never while a waker is called.
    wakers: Mutex<Wakers>,
}

#[derive(Debug, Default)]
struct Wakers {
    /// The socket's task, from the moment that the socket is there.
    task: Option<Waker>,
    /// The task that waits for the application's next event, if the socket's task is not the one.
    application: Option<Waker>,
}

impl Bell {
    /// Wakes `task` at every ring.
    pub(super) fn belongs_to(&self, task: &Waker) {
        self.wakers.lock().task = Some(task.clone());
    }

    /// Whether nothing has come since this was listened to.
    pub(super) fn is_silent(&self) -> bool {
        self.silent.load(Acquire)
    }

    /// Whether there is nothing to receive. In that case the next ring wakes `application`.
    pub(super) fn is_silent_for(&self, application: &Waker) -> bool {
        self.wake_next(application);
        self.is_silent() && !self.waiting.load(Acquire)
    }

    /// The next ring wakes `application` as well.
    fn wake_next(&self, application: &Waker) {
        let mut wakers = self.wakers.lock();
        let own = wakers.task.as_ref();
        let replaced = if own.is_some_and(|task| task.will_wake(application)) {
            wakers.application.take()
        } else {
            match &mut wakers.application {
                Some(current) if current.will_wake(application) => None,
                current => current.replace(application.clone()),
            }
        };
        drop(wakers);
        drop(replaced);
    }

    /// From now on the socket rings. Called before the socket is asked, so that no ring is missed.
    pub(super) fn listen(&self) {
        self.silent.store(true, Release);
    }

    /// Something has come that rang no bell.
    pub(super) fn interrupt(&self) {
        self.silent.store(false, Release);
    }

    /// Notes whether messages wait, and tells the application of new ones.
    pub(super) fn set_waiting(&self, waiting: bool) {
        if !waiting {
            return self.waiting.store(false, Relaxed);
        }
        self.waiting.store(true, Release);
        let application = self.wakers.lock().application.take();
        if let Some(application) = application {
            application.wake();
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.silent.swap(false, AcqRel);
        let mut wakers = self.wakers.lock();
        let (task, application) = (wakers.task.clone(), wakers.application.take());
        drop(wakers);
        for waker in [application, task].into_iter().flatten() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    fn tasks<const N: usize>() -> [Arc<Task>; N] {
        std::array::from_fn(|_| Arc::default())
    }

    fn woken<const N: usize>(tasks: &[Arc<Task>; N]) -> [usize; N] {
        std::array::from_fn(|nth| tasks[nth].0.load(SeqCst))
    }

    fn waker(task: &Arc<Task>) -> Waker {
        Arc::clone(task).into()
    }

    #[test]
    fn bell_wakes_its_task_always_and_the_application_that_asked_last_once() {
        let (bell, all) = (Arc::<Bell>::default(), tasks::<3>());
        let [own, first, last] = &all;
        bell.belongs_to(&waker(own));
        bell.listen();
        assert!(bell.is_silent_for(&waker(first)));
        assert!(bell.is_silent_for(&waker(last)));

        bell.wake_by_ref();
        bell.wake_by_ref();

        assert_eq!(woken(&all), [2, 0, 1]);
        assert!(!bell.is_silent_for(&waker(first)), "it has rung");
    }

    #[test]
    fn application_on_the_sockets_own_task_is_woken_with_it() {
        let (bell, all) = (Arc::<Bell>::default(), tasks::<1>());
        bell.belongs_to(&waker(&all[0]));
        bell.listen();
        assert!(bell.is_silent_for(&waker(&all[0])));

        bell.wake_by_ref();

        assert_eq!(woken(&all), [1]);
    }

    #[test]
    fn message_that_waits_is_told_of_in_silence() {
        let (bell, all) = (Arc::<Bell>::default(), tasks::<2>());
        bell.belongs_to(&waker(&all[0]));
        bell.listen();
        assert!(bell.is_silent_for(&waker(&all[1])));

        bell.set_waiting(true);

        assert_eq!(woken(&all), [0, 1]);
        assert!(bell.is_silent() && !bell.is_silent_for(&waker(&all[1])));
        bell.set_waiting(false);
        assert!(bell.is_silent_for(&waker(&all[1])));
    }
}
