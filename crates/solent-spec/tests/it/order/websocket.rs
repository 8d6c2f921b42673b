use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Request, Response};
use proptest::prelude::*;
use solent_spec::{
    Body,
    request::{Feature, Link, Listener},
    websocket::{
        Accept, Close, CloseCode, Frame, Outbound, SharedFrame, WebSocketOrder, WebSocketScope,
    },
};

use super::Verdict::{self, Closed, Illegal, Legal, NotOffered};

/// An event, as far as its order matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Accept,
    AcceptOffered,
    AcceptNotOffered,
    AcceptWithHeader,
    Message,
    Shared,
    Close(u16),
    CloseLong,
    Respond,
}

const CODES: [u16; 18] = [
    0, 999, 1000, 1001, 1003, 1004, 1005, 1006, 1007, 1011, 1014, 1015, 1016, 2999, 3000, 4000,
    4999, 5000,
];

impl Event {
    fn send(self) -> Outbound {
        match self {
            Self::Accept => Outbound::accept(),
            Self::AcceptOffered => Accept::default().subprotocol("v2").into(),
            Self::AcceptNotOffered => Accept::default().subprotocol("v3").into(),
            Self::AcceptWithHeader => {
                let mut headers = HeaderMap::new();
                headers.insert("sec-websocket-protocol", HeaderValue::from_static("v1"));
                Accept::default().headers(headers).into()
            }
            Self::Message => Frame::text("x").into(),
            Self::Shared => SharedFrame::new("x").into(),
            Self::Close(code) => Close::from(CloseCode::from_u16(code)).into(),
            Self::CloseLong => Outbound::Close(Close {
                code: CloseCode::NORMAL,
                reason: "x".repeat(124).into(),
            }),
            Self::Respond => Outbound::Respond(Box::new(Response::new(Body::empty()))),
        }
    }

    fn accepts(self) -> bool {
        matches!(self, Self::Accept | Self::AcceptOffered)
    }

    fn refuses(self) -> bool {
        matches!(self, Self::Close(_) | Self::CloseLong | Self::Respond)
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Accept),
        Just(Event::AcceptOffered),
        Just(Event::AcceptNotOffered),
        Just(Event::AcceptWithHeader),
        Just(Event::Message),
        Just(Event::Shared),
        prop::sample::select(&CODES[..]).prop_map(Event::Close),
        Just(Event::CloseLong),
        Just(Event::Respond),
    ]
}

fn scope(features: &[Feature]) -> WebSocketScope {
    let (request, ()) = Request::get("/")
        .header("sec-websocket-protocol", "v1, v2")
        .body(())
        .unwrap()
        .into_parts();
    let listener = Arc::new(Listener::new(None, features.to_vec()));
    WebSocketScope::new(&request, Link::new(None, listener)).unwrap()
}

/// What ASGI and RFC 6455 say of an event after the legal ones before it.
fn verdict(history: &[Event], event: Event, denial: bool) -> Verdict {
    let accepted = history.iter().any(|event| event.accepts());
    let over = history.iter().any(|event| event.refuses());
    let legal = match event {
        _ if over => return Closed,
        Event::Respond if !accepted && !denial => return NotOffered,
        Event::Accept | Event::AcceptOffered => !accepted,
        Event::AcceptNotOffered | Event::AcceptWithHeader => false,
        Event::Message | Event::Shared => accepted,
        // Neither code nor reason reaches a client whose handshake is refused.
        Event::Close(_) | Event::CloseLong if !accepted => true,
        Event::Close(code) => matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999),
        Event::CloseLong => false,
        Event::Respond => !accepted,
    };
    if legal { Legal } else { Illegal }
}

fn run(events: impl IntoIterator<Item = Event>) -> Vec<Verdict> {
    let scope = scope(&[Feature::DenialResponse]);
    let mut order = WebSocketOrder::default();
    let verdicts = events
        .into_iter()
        .map(|event| order.sent(&event.send(), &scope).into());
    verdicts.collect()
}

#[test]
fn message_before_the_accept_is_illegal() {
    for message in [Event::Message, Event::Shared] {
        assert_eq!(
            run([message, Event::Accept, message]),
            [Illegal, Legal, Legal]
        );
    }
}

#[test]
fn second_accept_is_illegal() {
    assert_eq!(run([Event::Accept, Event::Accept]), [Legal, Illegal]);
}

#[test]
fn everything_after_a_close_is_closed() {
    for event in [
        Event::Accept,
        Event::AcceptNotOffered,
        Event::Message,
        Event::Shared,
        Event::Close(1000),
        Event::Respond,
    ] {
        assert_eq!(run([Event::Accept, Event::Close(1000), event])[2], Closed);
        assert_eq!(run([Event::Close(1000), event])[1], Closed, "{event:?}");
        assert_eq!(run([Event::Respond, event])[1], Closed, "{event:?}");
    }
}

#[test]
fn everything_to_a_client_that_is_gone_is_closed() {
    let mut order = WebSocketOrder::default();
    order.disconnected();
    for event in [Event::Accept, Event::AcceptNotOffered, Event::Close(1000)] {
        let verdict = Verdict::from(order.sent(&event.send(), &scope(&[])));
        assert_eq!(verdict, Closed, "{event:?}");
    }
}

#[test]
fn subprotocol_must_be_one_that_was_offered() {
    assert_eq!(
        run([Event::AcceptNotOffered, Event::AcceptOffered]),
        [Illegal, Legal]
    );
}

#[test]
fn subprotocol_is_no_header() {
    assert_eq!(
        run([Event::AcceptWithHeader, Event::Accept]),
        [Illegal, Legal]
    );
}

#[test]
fn response_refuses_a_handshake_and_nothing_else() {
    assert_eq!(run([Event::Respond]), [Legal]);
    assert_eq!(run([Event::Accept, Event::Respond]), [Legal, Illegal]);
}

proptest! {
    #[test]
    fn every_sequence_is_judged_as_by_its_history(
        events in prop::collection::vec(any_event(), 0..16),
        denial: bool,
    ) {
        let scope = scope(if denial { &[Feature::DenialResponse] } else { &[] });
        let mut order = WebSocketOrder::default();
        let mut history = Vec::new();
        for event in events {
            let before = order;
            let found = Verdict::from(order.sent(&event.send(), &scope));
            prop_assert_eq!(found, verdict(&history, event, denial), "{:?} after {:?}", event, &history);
            if found == Legal {
                history.push(event);
            } else {
                prop_assert_eq!(order, before, "an illegal event changes nothing");
            }
        }
    }
}
