use std::sync::{Arc, Mutex};

use solent_layer::*;

/// A layer that only notes what it is asked.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn note<T>(&self, call: impl Into<String>) -> Result<T, LayerError> {
        self.0.lock().unwrap().push(call.into());
        Err(LayerError::Closed)
    }
}

impl ChannelLayer for Notes {
    async fn open(&self, prefix: &str) -> Result<Mailbox, LayerError> {
        self.note(format!("open {prefix}"))
    }
    async fn listen(&self, channel: &ChannelName) -> Result<Mailbox, LayerError> {
        self.note(format!("listen {channel}"))
    }
    async fn send(&self, channel: &ChannelName, _: Message) -> Result<(), SendError> {
        Ok(self.note(format!("send {channel}"))?)
    }
    async fn group_add(&self, group: &GroupName, channel: &ChannelName) -> Result<(), LayerError> {
        self.note(format!("add {group} {channel}"))
    }
    async fn group_discard(
        &self,
        group: &GroupName,
        channel: &ChannelName,
    ) -> Result<(), LayerError> {
        self.note(format!("discard {group} {channel}"))
    }
    async fn group_send(&self, group: &GroupName, _: Message) -> Result<GroupReport, SendError> {
        Ok(self.note(format!("group_send {group}"))?)
    }
    async fn flush(&self) -> Result<(), LayerError> {
        self.note("flush")
    }
    async fn close(&self) -> Result<(), LayerError> {
        self.note("close")
    }
    fn drops(&self) -> Option<Arc<DropCounts>> {
        Some(Arc::default())
    }
}

#[tokio::test]
async fn every_call_reaches_the_layer_inside() {
    let notes = Notes::default();
    let layer = DynLayer::new(notes.clone());
    let (channel, group) = ("c".parse().unwrap(), "g".parse().unwrap());
    let message = Message::ready("hello");

    assert!(layer.open("p").await.is_err());
    assert!(layer.listen(&channel).await.is_err());
    assert!(layer.send(&channel, message.clone()).await.is_err());
    assert!(layer.group_add(&group, &channel).await.is_err());
    assert!(layer.group_discard(&group, &channel).await.is_err());
    assert!(layer.group_send(&group, message).await.is_err());
    assert!(layer.flush().await.is_err());
    assert!(layer.close().await.is_err());

    assert!(layer.drops().is_some());
    let calls = [
        "open p",
        "listen c",
        "send c",
        "add g c",
        "discard g c",
        "group_send g",
        "flush",
        "close",
    ];
    assert_eq!(*notes.0.lock().unwrap(), calls);
}
