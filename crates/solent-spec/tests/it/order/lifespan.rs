use http::Extensions;
use proptest::prelude::*;
use solent_spec::lifespan::{LifespanOrder, Outbound};

use super::Verdict::{self, Closed, Illegal, Legal};

/// An answer, or the question that comes between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Started,
    NotStarted,
    Shutdown,
    Stopped,
    NotStopped,
}

impl Step {
    const ALL: [Self; 5] = [
        Self::Started,
        Self::NotStarted,
        Self::Shutdown,
        Self::Stopped,
        Self::NotStopped,
    ];

    fn take(self, order: &mut LifespanOrder) -> Verdict {
        let message = String::new();
        let event = match self {
            Self::Started => Outbound::StartupComplete {
                state: Extensions::new(),
            },
            Self::NotStarted => Outbound::StartupFailed { message },
            Self::Shutdown => {
                order.shutting_down();
                return Legal;
            }
            Self::Stopped => Outbound::ShutdownComplete,
            Self::NotStopped => Outbound::ShutdownFailed { message },
        };
        order.sent(&event).into()
    }
}

/// What ASGI says of an answer after the legal steps before it.
fn verdict(history: &[Step], step: Step) -> Verdict {
    let ended = |step: &Step| matches!(step, Step::NotStarted | Step::Stopped | Step::NotStopped);
    let asked = history.contains(&Step::Shutdown);
    let legal = match step {
        Step::Shutdown => true,
        _ if history.iter().any(ended) => return Closed,
        Step::Started | Step::NotStarted => !asked && !history.contains(&Step::Started),
        Step::Stopped | Step::NotStopped => asked,
    };
    if legal { Legal } else { Illegal }
}

#[test]
fn startup_is_answered_once() {
    let mut order = LifespanOrder::default();

    assert_eq!(Step::Started.take(&mut order), Legal);
    assert_eq!(Step::Started.take(&mut order), Illegal);
    assert_eq!(Step::NotStarted.take(&mut order), Illegal);
}

#[test]
fn application_that_could_not_start_has_nothing_more_to_say() {
    let mut order = LifespanOrder::default();

    assert_eq!(Step::NotStarted.take(&mut order), Legal);
    Step::Shutdown.take(&mut order);

    assert_eq!(Step::Stopped.take(&mut order), Closed);
}

#[test]
fn illegal_answer_is_told_why() {
    let mut order = LifespanOrder::default();
    Step::Started.take(&mut order);

    let again = order.sent(&Outbound::StartupFailed {
        message: String::new(),
    });
    let early = order.sent(&Outbound::ShutdownComplete);

    assert_eq!(
        again.unwrap_err().to_string(),
        "startup has been answered before"
    );
    assert_eq!(
        early.unwrap_err().to_string(),
        "shutdown has not been received yet"
    );
}

proptest! {
    #[test]
    fn every_sequence_is_judged_as_by_its_history(
        steps in prop::collection::vec(prop::sample::select(Step::ALL.to_vec()), 0..12)
    ) {
        let mut order = LifespanOrder::default();
        let mut history = Vec::new();
        for step in steps {
            let before = order;
            let found = step.take(&mut order);
            prop_assert_eq!(found, verdict(&history, step), "{:?} after {:?}", step, &history);
            if found == Legal {
                history.push(step);
            } else {
                prop_assert_eq!(order, before, "an illegal answer changes nothing");
            }
        }
    }
}
