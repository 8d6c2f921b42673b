//! The names of channels.

use std::collections::HashSet;

use solent_layer::{ChannelLayer, LayerError};

use crate::conformance::{Subject, subject::channel};

pub(crate) async fn open_gives_every_mailbox_a_name_of_its_own(subject: &Subject) {
    let (layer, other) = (subject.layer().await, subject.layer().await);
    let mut names = HashSet::new();
    let mut open = Vec::new();

    for _ in 0..100 {
        open.push(layer.open("a.").await.expect("a channel opens"));
        open.push(other.open("a.").await.expect("a channel opens"));
        // This one is dropped at once; its name is not given away again.
        let dropped = layer.open("a.").await.expect("a channel opens");
        assert!(names.insert(dropped.name().clone()), "{dropped:?}");
    }

    for mailbox in &open {
        assert!(names.insert(mailbox.name().clone()), "{mailbox:?}");
    }
}

pub(crate) async fn opened_name_begins_with_its_prefix_and_is_process_specific(subject: &Subject) {
    let layer = subject.layer().await;
    let longest = "a".repeat(40);

    for prefix in ["specific.", "a-b_c.9", &longest, ""] {
        let mailbox = layer.open(prefix).await.expect("a channel opens");
        let name = mailbox.name();
        assert!(name.as_str().starts_with(prefix), "{name} for {prefix:?}");
        assert!(name.is_process_specific(), "{name} has no exclamation mark");
    }

    let (one, two) = (layer.open("a.").await, layer.open("a.").await);
    let (one, two) = (one.expect("it opens"), two.expect("it opens"));
    assert_eq!(
        one.name().non_local(),
        two.name().non_local(),
        "channels of one process begin alike, so that one capacity pattern is for all"
    );
}

pub(crate) async fn open_refuses_a_prefix_that_breaks_the_rules(subject: &Subject) {
    let layer = subject.layer().await;
    let too_long = "a".repeat(100);

    for prefix in ["a b", "a!", "é", "a\n", &too_long] {
        let opened = layer.open(prefix).await;
        assert!(
            matches!(opened, Err(LayerError::Name(_))),
            "{opened:?} for {prefix:?}"
        );
    }
}

pub(crate) async fn listen_refuses_a_name_of_one_process(subject: &Subject) {
    let layer = subject.layer().await;
    let mailbox = layer.open("a.").await.expect("a channel opens");

    for name in [mailbox.name(), &channel("other!1"), &channel("other!")] {
        let listening = layer.listen(name).await;
        assert!(
            matches!(listening, Err(LayerError::Unavailable(_))),
            "{listening:?} for {name}"
        );
    }
}
