//! Who woke a task.

use std::{
    sync::{Arc, Mutex, PoisonError},
    task::{Wake, Waker},
};

/// Wakes a task on behalf of its socket, and remembers whether it has.
///
/// The task of a WebSocket is woken by its mailbox far more often than by its client, in a busy room. To ask the socket each
/// time costs as much as all else that is done for the task to be polled, so it is only asked once its bell has rung.
#[derive(Debug, Default)]
pub(super) struct Bell {
    /// The task, until the bell rings. Held for a few instructions.
    task: Mutex<Option<Waker>>,
}

impl Bell {
    /// Whether the bell has not rung since this was last asked. From now on it wakes `task`.
    pub(super) fn is_silent_for(&self, task: &Waker) -> bool {
        let mut current = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *current {
            Some(current) => {
                current.clone_from(task);
                true
            }
            None => {
                *current = Some(task.clone());
                false
            }
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        let rung = task.take();
        drop(task);
        if let Some(task) = rung {
            task.wake();
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

    #[test]
    fn bell_wakes_the_task_that_asked_last_and_only_once() {
        let (bell, first, last) = (
            Arc::<Bell>::default(),
            Arc::<Task>::default(),
            Arc::<Task>::default(),
        );
        assert!(!bell.is_silent_for(&Arc::clone(&first).into()));
        assert!(bell.is_silent_for(&Arc::clone(&last).into()));

        bell.wake_by_ref();
        bell.wake_by_ref();

        assert_eq!([&first, &last].map(|task| task.0.load(SeqCst)), [0, 1]);
        assert!(!bell.is_silent_for(&first.into()), "it has rung");
    }
}
