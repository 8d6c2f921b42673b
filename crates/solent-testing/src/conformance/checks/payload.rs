//! What messages carry.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use solent_layer::{ChannelLayer, Message, SendError};
use solent_spec::websocket::Frame;

use super::group::members;
use crate::conformance::{Subject, subject::group};

pub(crate) async fn every_kind_of_value_survives(subject: &Subject) {
    let message = Message::from_encoded(Bytes::from_static(EVERYTHING));

    round_trip(subject, message.expect("it is a map")).await;
}

pub(crate) async fn typed_event_survives(subject: &Subject) {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "type")]
    enum Event {
        #[serde(rename = "chat.message")]
        Chat {
            text: String,
            at: Option<f64>,
            to: BTreeMap<String, Vec<i64>>,
        },
        #[serde(rename = "chat.typing")]
        Typing,
    }
    let chat = Event::Chat {
        text: "héllo \u{1F600}\0\n".into(),
        at: Some(0.1),
        to: BTreeMap::from([(String::new(), vec![i64::MIN, -1, 0, i64::MAX])]),
    };

    for event in [chat, Event::Typing] {
        let message = Message::encode(&event).expect("an event is a map");
        let received = round_trip(subject, message.clone()).await;
        assert_eq!(received.kind(), message.kind());
        assert_eq!(*received.decode::<Event>().expect("it is an event"), event);
    }
}

pub(crate) async fn ready_frame_survives(subject: &Subject) {
    for frame in [
        Frame::text("{\"héllo\": \"\u{1F600}\"}"),
        Frame::text(""),
        Frame::binary((0..=255).collect::<Vec<u8>>()),
    ] {
        let received = round_trip(subject, Message::ready(frame.clone())).await;
        assert_eq!(received.kind(), Some(Message::READY));
        let shared = received.ready_frame().expect("it carries a frame");
        assert_eq!(shared.frame(), &frame);
    }
}

pub(crate) async fn megabyte_survives(subject: &Subject) {
    let text: String = ('a'..='z').cycle().take(1_000_000).collect();
    let event = BTreeMap::from([("type", "large"), ("text", &text)]);

    round_trip(subject, Message::encode(&event).expect("it is a map")).await;
}

pub(crate) async fn larger_message_than_the_limit_is_handed_back(subject: &Subject) {
    let max = subject.profile().max_message;
    let max = max.expect("it is tried only with a limit");
    let layer = subject.layer().await;
    let room = group("room");
    let members = members(&layer, &room, 1).await;
    let message = Message::ready(vec![0; max + 1]);

    let sent = layer.send(members[0].name(), message.clone()).await;
    let sent_to_group = layer.group_send(&room, message.clone()).await.map(drop);

    for result in [sent, sent_to_group] {
        match result {
            Err(SendError::TooLarge {
                message: returned,
                size,
                limit,
            }) => {
                assert_eq!(returned, message);
                assert!(size > max && limit == max, "{size}, {limit}");
            }
            other => panic!("a message above the limit was to be handed back, not {other:?}"),
        }
    }
    assert!(members[0].is_empty());
}

/// Sends a message to a channel and to a group, and receives the very same.
async fn round_trip(subject: &Subject, message: Message) -> Message {
    let layer = subject.layer().await;
    let room = group("room");
    let mut members = members(&layer, &room, 1).await;
    let mailbox = &mut members[0];

    let sent = layer.send(mailbox.name(), message.clone()).await;
    sent.expect("there is room");
    let sent = layer.group_send(&room, message.clone()).await;
    sent.expect("there is room");

    let received = subject.receive(mailbox).await;
    assert!(received.encoded() == message.encoded(), "{received:?}");
    let received = subject.receive(mailbox).await;
    assert!(received.encoded() == message.encoded(), "{received:?}");
    received
}

/// A map with every kind of value that MessagePack has for Channels, also in encodings longer than they need be.
const EVERYTHING: &[u8] = b"\xde\x00\x10\
    \xa4type\xaaeverything\
    \xa3nil\xc0\
    \xa3yes\xc3\
    \xa2no\xc2\
    \xa5small\x7f\
    \xa8negative\xe0\
    \xa5wider\xcd\x00\x01\
    \xa8smallest\xd3\x80\x00\x00\x00\x00\x00\x00\x00\
    \xa7largest\xcf\xff\xff\xff\xff\xff\xff\xff\xff\
    \xa5float\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a\
    \xa6single\xca\x7f\x80\x00\x00\
    \xa4text\xd9\x09h\xc3\xa9\xf0\x9f\x98\x80\x00\n\
    \xa5bytes\xc4\x03\x00\x80\xff\
    \xa4list\x93\xc0\x90\x91\x80\
    \xa3map\x82\xa0\xc0\xa1a\x81\xa1b\xc4\x00\
    \xd9\x07unicode\xa2\xc3\xa9";
