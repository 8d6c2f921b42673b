//! What is subscribed to, and what should be.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

use parking_lot::Mutex;
use redis::RedisError;
use tokio::sync::{Notify, oneshot};

use crate::error::LinkError;

/// Something to subscribe to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Topic {
    /// A channel of Redis.
    Channel(Arc<str>),
    /// The channels of Redis whose names match a pattern.
    Pattern(Arc<str>),
    /// A channel of one shard of a cluster.
    Shard(Arc<str>),
}

impl Topic {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Channel(name) | Self::Pattern(name) | Self::Shard(name) => name,
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The topics of one subscriber.
#[derive(Default)]
pub(super) struct Topics {
    /// Held for a few instructions at a time, never across a wait.
    state: Mutex<State>,
    /// Something has changed.
    changed: Notify,
}

#[derive(Default)]
struct State {
    entries: HashMap<Topic, Entry>,
    /// Topics whose entry is not as it should be.
    changed: HashSet<Topic>,
    /// A task went on without waiting for a topic to be live.
    late: bool,
    /// Redis refuses subscriptions. Set and taken back by the task that subscribes.
    refused: Option<LinkError>,
    /// What the last connection, or attempt, ended with; nothing while there is a connection.
    cause: Option<Arc<RedisError>>,
    /// Whether there is a connection. Set and taken back by the task that subscribes.
    connected: bool,
    closed: bool,
}

#[derive(Default)]
struct Entry {
    /// How often it is wanted.
    wanted: usize,
    /// Redis has confirmed the subscription on the connection that there is now.
    live: bool,
    /// Redis has refused the subscription on that connection.
    refused: Option<LinkError>,
    /// Who waits for either.
    waiting: Vec<oneshot::Sender<Subscription>>,
}

/// Whether there is a subscription now.
type Subscription = Result<(), LinkError>;

/// What has to be done.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) subscribe: Vec<Topic>,
    pub(super) unsubscribe: Vec<Topic>,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.subscribe.is_empty() && self.unsubscribe.is_empty()
    }
}

impl Topics {
    pub(super) fn want(&self, topic: Topic) {
        let mut state = self.state.lock();
        let entry = state.entries.entry(topic.clone()).or_default();
        entry.wanted += 1;
        if !entry.live {
            state.change(topic);
            drop(state);
            self.changed.notify_one();
        }
    }

    pub(super) fn unwant(&self, topic: &Topic) {
        let mut state = self.state.lock();
        let Some(entry) = state.entries.get_mut(topic) else {
            return;
        };
        entry.wanted = entry.wanted.saturating_sub(1);
        if entry.wanted == 0 {
            state.change(topic.clone());
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Resolves once the topic is live, or refused; nothing, if it is live already, or not wanted.
    ///
    /// # Errors
    ///
    /// Redis has refused it already.
    pub(super) fn when_live(
        &self,
        topic: &Topic,
    ) -> Result<Option<oneshot::Receiver<Subscription>>, LinkError> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if state.closed {
            return Err(LinkError::Closed);
        }
        let entry = state.entries.get_mut(topic).filter(|entry| !entry.live);
        let Some(entry) = entry else {
            return Ok(None);
        };
        if let Some(error) = entry.refused.as_ref().or(state.refused.as_ref()) {
            return Err(error.clone());
        }
        let (tx, rx) = oneshot::channel();
        entry.waiting.retain(|waiting| !waiting.is_closed());
        entry.waiting.push(tx);
        Ok(Some(rx))
    }

    /// Redis has refused one topic.
    pub(super) fn refuse(&self, topic: &Topic, error: &LinkError) {
        let mut state = self.state.lock();
        if let Some(entry) = state.entries.get_mut(topic) {
            entry.refused = Some(error.clone());
            entry.tell(&Err(error.clone()));
        }
    }

    /// There is no connection, because of this error; Redis refuses any, if it is `refused`.
    pub(super) fn failed(&self, error: RedisError, refused: Option<&LinkError>) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        state.cause = Some(Arc::new(error));
        state.connected = false;
        state.refused = refused.cloned();
        if let Some(error) = refused {
            let entries = state.entries.values_mut();
            entries.for_each(|entry| entry.tell(&Err(error.clone())));
        }
    }

    /// There is a connection, over which Redis answers.
    pub(super) fn connected(&self) {
        self.state.lock().connected = true;
    }

    /// Whether there is.
    pub(super) fn is_connected(&self) -> bool {
        self.state.lock().connected
    }

    /// All is subscribed to again.
    pub(super) fn recovered(&self) {
        let mut state = self.state.lock();
        (state.refused, state.cause) = (None, None);
    }

    /// Why there is no connection.
    pub(super) fn cause(&self) -> Option<Arc<RedisError>> {
        self.state.lock().cause.clone()
    }

    /// Waits until something has changed.
    pub(super) async fn changed(&self) {
        loop {
            let changed = self.changed.notified();
            {
                let state = self.state.lock();
                if state.closed || !state.changed.is_empty() {
                    return;
                }
            }
            changed.await;
        }
    }

    /// Takes changes to be made now, up to so many. Topics to be left are forgotten. The last changes have been confirmed, or
    /// there is a new connection.
    pub(super) fn take_changes(&self, most: usize) -> Changes {
        let mut state = self.state.lock();
        let taken: Vec<_> = state.changed.iter().take(most).cloned().collect();
        let mut changes = Changes::default();
        for topic in taken {
            state.changed.remove(&topic);
            let Some(entry) = state.entries.get(&topic) else {
                continue;
            };
            match (entry.wanted > 0, entry.live) {
                (true, false) => {
                    if let Some(entry) = state.entries.get_mut(&topic) {
                        entry.refused = None;
                    }
                    changes.subscribe.push(topic);
                }
                (false, live) => {
                    state.entries.remove(&topic);
                    if live {
                        changes.unsubscribe.push(topic);
                    }
                }
                (true, true) => {}
            }
        }
        changes
    }

    /// Redis has confirmed subscriptions.
    pub(super) fn confirm(&self, topics: &[Topic]) {
        let mut state = self.state.lock();
        for topic in topics {
            let Some(entry) = state.entries.get_mut(topic) else {
                continue;
            };
            entry.live = true;
            entry.tell(&Ok(()));
            if entry.wanted == 0 {
                state.change(topic.clone());
            }
        }
    }

    /// A task goes on though a topic is not live yet, and may miss something.
    pub(super) fn note_late(&self) {
        self.state.lock().late = true;
    }

    /// Whether one did since this was last asked.
    pub(super) fn take_late(&self) -> bool {
        std::mem::take(&mut self.state.lock().late)
    }

    /// Redis has ended a subscription. Tells whether it is wanted, so that it has to be made again.
    pub(super) fn ended(&self, topic: &Topic) -> bool {
        let mut state = self.state.lock();
        let Some(entry) = state.entries.get_mut(topic).filter(|entry| entry.live) else {
            return false;
        };
        entry.live = false;
        state.change(topic.clone());
        drop(state);
        self.changed.notify_one();
        true
    }

    /// The connection is gone, and nothing is subscribed to. Tells whether anything was.
    pub(super) fn start_anew(&self) -> bool {
        let mut state = self.state.lock();
        let had = state.entries.values().any(|entry| entry.live);
        state.entries.retain(|_, entry| entry.wanted > 0);
        state
            .entries
            .values_mut()
            .for_each(|entry| entry.live = false);
        let all: HashSet<_> = state.entries.keys().cloned().collect();
        state.changed = all;
        had
    }

    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let entries = state.entries.values_mut();
        entries.for_each(|entry| entry.tell(&Err(LinkError::Closed)));
        drop(state);
        self.changed.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }
}

impl Entry {
    fn tell(&mut self, subscription: &Subscription) {
        for waiting in self.waiting.drain(..) {
            // Who asked may have gone.
            let _ = waiting.send(subscription.clone());
        }
    }
}

impl State {
    fn change(&mut self, topic: Topic) {
        self.changed.insert(topic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str) -> Topic {
        Topic::Channel(name.into())
    }

    #[test]
    fn topic_is_left_when_the_last_leaves_it() {
        let topics = Topics::default();
        topics.want(topic("a"));
        topics.want(topic("a"));
        assert_eq!(topics.take_changes(10).subscribe, [topic("a")]);
        topics.confirm(&[topic("a")]);

        topics.unwant(&topic("a"));
        assert!(topics.take_changes(10).is_empty());
        topics.unwant(&topic("a"));

        assert_eq!(topics.take_changes(10).unsubscribe, [topic("a")]);
        assert!(topics.state.lock().entries.is_empty());
    }

    #[test]
    fn topic_that_is_wanted_again_in_between_stays() {
        let topics = Topics::default();
        topics.want(topic("a"));
        topics.take_changes(10);
        topics.confirm(&[topic("a")]);

        topics.unwant(&topic("a"));
        topics.want(topic("a"));

        assert!(topics.take_changes(10).is_empty());
    }

    #[test]
    fn topic_that_is_left_before_it_is_confirmed_is_unsubscribed_from() {
        let topics = Topics::default();
        topics.want(topic("a"));
        assert_eq!(topics.take_changes(10).subscribe, [topic("a")]);
        topics.unwant(&topic("a"));

        topics.confirm(&[topic("a")]);

        assert_eq!(topics.take_changes(10).unsubscribe, [topic("a")]);
    }

    #[test]
    fn everything_wanted_is_subscribed_to_on_a_new_connection() {
        let topics = Topics::default();
        for name in ["a", "b"] {
            topics.want(topic(name));
        }
        assert!(!topics.start_anew(), "nothing was live yet");
        topics.take_changes(10);
        topics.confirm(&[topic("a"), topic("b")]);
        topics.unwant(&topic("b"));

        assert!(topics.start_anew());
        assert_eq!(topics.take_changes(10).subscribe, [topic("a")]);
    }

    #[tokio::test]
    async fn who_waits_hears_of_the_confirmation() {
        let topics = Topics::default();
        topics.want(topic("a"));
        let live = topics.when_live(&topic("a")).unwrap().unwrap();

        topics.confirm(&[topic("a")]);

        live.await.unwrap().unwrap();
        assert!(topics.when_live(&topic("a")).unwrap().is_none());
    }

    #[tokio::test]
    async fn refusal_of_one_topic_is_told_until_it_is_tried_again() {
        let topics = Topics::default();
        topics.want(topic("a"));
        topics.take_changes(10);
        let live = topics.when_live(&topic("a")).unwrap().unwrap();

        topics.refuse(&topic("a"), &LinkError::Answer);

        assert!(live.await.unwrap().is_err());
        assert!(topics.when_live(&topic("a")).is_err());
        topics.want(topic("a"));
        topics.take_changes(10);
        assert!(topics.when_live(&topic("a")).unwrap().is_some());
    }

    #[tokio::test]
    async fn refusal_of_everything_is_told_until_there_is_a_connection() {
        let topics = Topics::default();
        topics.want(topic("a"));
        let live = topics.when_live(&topic("a")).unwrap().unwrap();
        let error = RedisError::from((redis::ErrorKind::AuthenticationFailed, "no"));

        topics.failed(error, Some(&LinkError::Answer));

        assert!(live.await.unwrap().is_err());
        assert!(topics.when_live(&topic("a")).is_err());
        topics.recovered();
        assert!(topics.when_live(&topic("a")).unwrap().is_some());
    }
}
