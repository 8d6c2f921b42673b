//! Reaching a consumer from elsewhere.

use std::{any::type_name, fmt, sync::Arc};

use solent_spec::websocket::Close;
use tokio::sync::mpsc;

use crate::event::Shared;

/// Events that may wait in a handle's queue.
pub(super) const CAPACITY: usize = 100;

/// Reaches one consumer from anywhere in the process. Cheap to clone.
///
/// The queue behind all of a consumer's handles holds 100 events; a sender waits for room or is told that there is
/// none. A handle does not keep its connection open.
pub struct Handle<E> {
    posts: mpsc::Sender<Post<E>>,
}

/// What goes through a handle.
pub(crate) enum Post<E> {
    Event(Arc<Shared<E>>),
    Close(Close),
}

/// A handle's connection is over, or its queue is full. The event is handed back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostError<E> {
    /// The connection is over.
    #[error("connection of the handle is over")]
    Closed(E),
    /// A hundred events wait already.
    #[error("queue of the handle is full")]
    Full(E),
}

impl<E: Send + Sync + 'static> Handle<E> {
    pub(super) fn new(posts: mpsc::Sender<Post<E>>) -> Self {
        Self { posts }
    }

    /// Has the consumer's `event` called with `event`. Waits for room in the queue.
    ///
    /// # Errors
    ///
    /// [`PostError::Closed`] once the connection is over. An event that still waits in the queue then is dropped.
    ///
    /// # Cancel safety
    ///
    /// A dropped future has posted nothing.
    pub async fn post(&self, event: E) -> Result<(), PostError<E>> {
        match self.posts.reserve().await {
            Ok(place) => {
                place.send(Post::event(event));
                Ok(())
            }
            Err(_) => Err(PostError::Closed(event)),
        }
    }

    /// The same without waiting, for code that is not async.
    ///
    /// # Errors
    ///
    /// [`PostError::Full`] without room in the queue, [`PostError::Closed`] once the connection is over.
    pub fn try_post(&self, event: E) -> Result<(), PostError<E>> {
        match self.posts.try_reserve() {
            Ok(place) => {
                place.send(Post::event(event));
                Ok(())
            }
            Err(mpsc::error::TrySendError::Full(())) => Err(PostError::Full(event)),
            Err(mpsc::error::TrySendError::Closed(())) => Err(PostError::Closed(event)),
        }
    }

    /// Closes the connection, behind what has been posted before: a WebSocket with `close`, an HTTP response where it
    /// stands. Does nothing once the connection is over.
    ///
    /// # Cancel safety
    ///
    /// A dropped future has closed nothing.
    pub async fn close(&self, close: impl Into<Close>) {
        let post = Post::Close(close.into());
        // A connection that is over is closed.
        let _ = self.posts.send(post).await;
    }

    /// Whether the connection is over.
    pub fn is_closed(&self) -> bool {
        self.posts.is_closed()
    }

    /// Waits until the connection is over.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn closed(&self) {
        self.posts.closed().await;
    }
}

impl<E> Post<E> {
    fn event(event: E) -> Self {
        Self::Event(Arc::new(Shared::new(event)))
    }
}

impl<E> Clone for Handle<E> {
    fn clone(&self) -> Self {
        Self {
            posts: self.posts.clone(),
        }
    }
}

impl<E> fmt::Debug for Handle<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle<{}>", type_name::<E>())
    }
}
