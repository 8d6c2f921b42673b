use http::{Extensions, HeaderMap, Response, StatusCode};
use proptest::prelude::*;
use solent_spec::{
    Body,
    http::{HttpOrder, Outbound, ResponseStart},
};

use super::Verdict::{self, Closed, Illegal, Legal};

/// An event, as far as its order matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Start { trailers: bool },
    Body { more: bool },
    Zero { more: bool },
    Path,
    Trailers { more: bool },
    Hint,
    Push,
    Debug,
    Response,
}

impl Event {
    const ALL: [Self; 13] = [
        Self::Start { trailers: false },
        Self::Start { trailers: true },
        Self::Body { more: false },
        Self::Body { more: true },
        Self::Zero { more: false },
        Self::Zero { more: true },
        Self::Path,
        Self::Trailers { more: false },
        Self::Trailers { more: true },
        Self::Hint,
        Self::Push,
        Self::Debug,
        Self::Response,
    ];

    fn send(self) -> Outbound {
        let headers = HeaderMap::new();
        match self {
            Self::Start { trailers: false } => Outbound::start(StatusCode::OK),
            Self::Start { trailers: true } => ResponseStart::new(StatusCode::OK).trailers().into(),
            Self::Body { more: true } => Outbound::chunk("x"),
            Self::Body { more: false } => Outbound::end("x"),
            Self::Zero { more } => Outbound::ZeroCopySend {
                file: std::fs::File::open(env!("CARGO_MANIFEST_DIR")).unwrap(),
                offset: None,
                count: None,
                more,
            },
            Self::Path => Outbound::PathSend("/x".into()),
            Self::Trailers { more } => Outbound::Trailers { headers, more },
            Self::Hint => Outbound::EarlyHint { links: Vec::new() },
            Self::Push => Outbound::Push {
                path: "/x".into(),
                headers,
            },
            Self::Debug => Outbound::Debug(Extensions::new()),
            Self::Response => Response::new(Body::empty()).into(),
        }
    }

    fn is_body(self) -> bool {
        matches!(self, Self::Body { .. } | Self::Zero { .. } | Self::Path)
    }

    fn ends_body(self) -> bool {
        matches!(
            self,
            Self::Body { more: false } | Self::Zero { more: false } | Self::Path
        )
    }
}

/// What ASGI says of an event after the legal ones before it. The order keeps a state; this looks at the whole history.
fn verdict(history: &[Event], event: Event) -> Verdict {
    let started = history.iter().any(|e| matches!(e, Event::Start { .. }));
    let announced = history.contains(&Event::Start { trailers: true });
    let body_ended = history.iter().any(|e| e.ends_body());
    let done = history.contains(&Event::Response)
        || body_ended && !announced
        || history.contains(&Event::Trailers { more: false });
    let legal = match event {
        _ if done => return Closed,
        Event::Start { .. } | Event::Response => !started,
        Event::Debug => history.is_empty(),
        Event::Body { .. } | Event::Zero { .. } | Event::Hint | Event::Push => {
            started && !body_ended
        }
        Event::Path => started && !history.iter().any(|e| e.is_body()),
        Event::Trailers { .. } => announced && body_ended,
    };
    if legal { Legal } else { Illegal }
}

fn run(events: impl IntoIterator<Item = Event>) -> Vec<Verdict> {
    let mut order = HttpOrder::default();
    let verdicts = events
        .into_iter()
        .map(|event| order.sent(&event.send()).into());
    verdicts.collect()
}

#[test]
fn second_start_is_illegal() {
    let start = Event::Start { trailers: false };

    assert_eq!(run([start, start]), [Legal, Illegal]);
    assert_eq!(run([start, Event::Response]), [Legal, Illegal]);
    assert_eq!(run([start, Event::Body { more: true }, start])[2], Illegal);
}

#[test]
fn nothing_but_debug_information_comes_before_the_start() {
    for event in Event::ALL {
        let begins = matches!(event, Event::Start { .. } | Event::Response | Event::Debug);
        let expected = if begins { Legal } else { Illegal };
        assert_eq!(run([event]), [expected], "{event:?}");
    }
}

#[test]
fn everything_after_the_end_is_closed() {
    let start = Event::Start { trailers: false };
    for event in Event::ALL {
        let end = Event::Body { more: false };
        assert_eq!(run([start, end, event])[2], Closed, "{event:?}");
        assert_eq!(run([Event::Response, event])[1], Closed, "{event:?}");
    }
}

#[test]
fn everything_to_a_client_that_is_gone_is_closed() {
    for event in Event::ALL {
        let mut order = HttpOrder::default();
        order.disconnected();
        assert_eq!(Verdict::from(order.sent(&event.send())), Closed);
    }
}

#[test]
fn hints_come_between_the_start_and_the_last_piece() {
    let start = Event::Start { trailers: true };
    let (more, end) = (Event::Body { more: true }, Event::Body { more: false });
    for hint in [Event::Hint, Event::Push] {
        assert_eq!(
            run([hint, start, hint, more, hint, hint, end, hint]),
            [Illegal, Legal, Legal, Legal, Legal, Legal, Legal, Illegal]
        );
    }
}

#[test]
fn debug_information_comes_once_and_first() {
    let start = Event::Start { trailers: false };

    assert_eq!(
        run([Event::Debug, Event::Debug, start, Event::Debug]),
        [Legal, Illegal, Legal, Illegal]
    );
}

#[test]
fn response_is_begun_by_its_start_alone() {
    let mut order = HttpOrder::default();
    order.sent(&Event::Debug.send()).unwrap();
    assert!(!order.is_started());

    order.sent(&Event::Response.send()).unwrap();
    assert!(order.is_started());
}

proptest! {
    #[test]
    fn every_sequence_is_judged_as_by_its_history(
        events in prop::collection::vec(prop::sample::select(Event::ALL.to_vec()), 0..24)
    ) {
        let mut order = HttpOrder::default();
        let mut history = Vec::new();
        for event in events {
            let before = order;
            let found = Verdict::from(order.sent(&event.send()));
            prop_assert_eq!(found, verdict(&history, event), "{:?} after {:?}", event, &history);
            if found == Legal {
                history.push(event);
            } else {
                prop_assert_eq!(order, before, "an illegal event changes nothing");
            }
        }
    }
}
