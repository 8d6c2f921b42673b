//! The side of a context that sessions drive.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use solent_layer::Gap;
use solent_spec::{Message, websocket::Close};

use super::{
    ConsumerContext, Extras,
    handle::Post,
    mail::{Letter, Mail},
    timers::Timers,
};
use crate::{event::Shared, session::poll_either};

/// What reaches a consumer other than through its client.
pub(crate) enum Incoming<E> {
    Message(Message),
    Gap(Gap),
    MailClosed { overflowed: bool },
    Local(Arc<Shared<E>>),
    Close(Close),
}

impl<E> ConsumerContext<E> {
    /// Waits for what comes other than through the client. The mailbox and the rest take turns.
    pub(crate) fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Incoming<E>> {
        poll_either(
            self,
            |context| &mut context.turn,
            cx,
            [Self::poll_extras, Self::poll_mail],
        )
    }

    fn poll_mail(&mut self, cx: &mut Context<'_>) -> Poll<Incoming<E>> {
        let Some(mail) = &mut self.mail else {
            return Poll::Pending;
        };
        mail.poll(cx).map(|letter| match letter {
            Letter::Message(message) => Incoming::Message(message),
            Letter::Gap(gap) => Incoming::Gap(gap),
            Letter::Closed { overflowed } => {
                self.mail = None;
                Incoming::MailClosed { overflowed }
            }
        })
    }

    fn poll_extras(&mut self, cx: &mut Context<'_>) -> Poll<Incoming<E>> {
        let Some(extras) = &mut self.extras else {
            return Poll::Pending;
        };
        // Tasks that are done are let go.
        while let Poll::Ready(Some(_)) = extras.tasks.poll_join_next(cx) {}
        poll_either(
            &mut **extras,
            |extras| &mut extras.timers_next,
            cx,
            [Extras::poll_posts, Extras::poll_timers],
        )
    }

    /// Has a flag set when the consumer ends its connection itself.
    pub(crate) fn flag_own_end(&mut self) -> Arc<AtomicBool> {
        let flag = Arc::<AtomicBool>::default();
        self.extras().keep = Some(Arc::clone(&flag));
        flag
    }

    /// The consumer has ended its connection itself.
    pub(crate) fn ended_by_itself(&self) {
        let extras = self.extras.as_ref();
        if let Some(keep) = extras.and_then(|extras| extras.keep.as_ref()) {
            keep.store(true, Relaxed);
        }
    }

    /// A blocking handler has sent so much without waiting for a client that is slow to read. Returns how much it is by now.
    pub(crate) fn send_ahead(&mut self, bytes: usize) -> usize {
        let ahead = &mut self.extras().ahead;
        *ahead = ahead.saturating_add(bytes);
        *ahead
    }

    /// Whether something was sent ahead that has to be waited for before the next handler.
    pub(crate) fn is_ahead(&self) -> bool {
        self.extras.as_ref().is_some_and(|extras| extras.ahead > 0)
    }

    /// The client has caught up.
    pub(crate) fn caught_up(&mut self) {
        if let Some(extras) = &mut self.extras {
            extras.ahead = 0;
        }
    }

    /// Whether anything but the client can still reach the consumer. Asked when there is nothing to handle.
    pub(crate) fn is_reachable(&self) -> bool {
        let extras = self.extras.as_ref().is_some_and(|extras| {
            extras.posts.is_some() || !extras.timers.is_empty() || !extras.tasks.is_empty()
        });
        extras || self.mail.is_some()
    }

    /// Nothing more is taken from anywhere; groups are left.
    pub(crate) fn finish(&mut self) {
        self.over = true;
        self.mail = None;
        if let Some(extras) = &mut self.extras {
            extras.timers = Timers::default();
            extras.posts = None;
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// Aborts the background tasks and waits until they have ended.
    pub(crate) async fn abort_tasks(&mut self) {
        if let Some(mut extras) = self.extras.take() {
            extras.tasks.shutdown().await;
        }
    }

    pub(crate) fn mail_mut(&mut self) -> Option<&mut Mail> {
        self.mail.as_mut()
    }

    pub(crate) fn mail(&self) -> Option<&Mail> {
        self.mail.as_ref()
    }

    pub(crate) fn set_current(&mut self, event: Option<Arc<Shared<E>>>) {
        self.current = event;
    }

    /// The event that is being handled.
    pub(crate) fn current(&self) -> Option<&Arc<Shared<E>>> {
        self.current.as_ref()
    }
}

impl<E> Extras<E> {
    fn poll_timers(&mut self, cx: &mut Context<'_>) -> Poll<Incoming<E>> {
        self.timers.poll(cx).map(Incoming::Local)
    }

    fn poll_posts(&mut self, cx: &mut Context<'_>) -> Poll<Incoming<E>> {
        let Some(posts) = &mut self.posts else {
            return Poll::Pending;
        };
        match posts.rx.poll_recv(cx) {
            Poll::Ready(Some(Post::Event(event))) => Poll::Ready(Incoming::Local(event)),
            Poll::Ready(Some(Post::Close(close))) => Poll::Ready(Incoming::Close(close)),
            Poll::Ready(None) => {
                self.posts = None;
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
        }
    }
}
