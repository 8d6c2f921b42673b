//! The promises of [`ChannelLayer`](solent_layer::ChannelLayer), as tests for any implementation.
//!
//! One macro makes a test of each promise, named for it:
//!
//! ```
//! # fn main() {}
//! use solent_layer_memory::MemoryLayer;
//!
//! solent_testing::layer_conformance!(MemoryLayer::default());
//! ```
//!
//! Better give the layer the settings that a promise wants, as a closure would; then policies and capacities by pattern
//! are tried as well:
//!
//! ```
//! # fn main() {}
//! use solent_layer_memory::{MemoryConfig, MemoryLayer};
//!
//! solent_testing::layer_conformance!(|wanted| MemoryLayer::new(
//!     MemoryConfig::default()
//!         .capacities(wanted.capacities)
//!         .expiry(wanted.expiry)
//!         .group_expiry(wanted.group_expiry)
//!         .policy(wanted.policy)
//! ));
//! ```
//!
//! The expression may be async: `|wanted| MyLayer::connect(url, wanted.namespace).await.unwrap()`. A third argument, a
//! [`Profile`], says what the kit cannot know: that a layer's clock cannot be paused since it does I/O, that it spans processes,
//! that it has a limit for the size of messages, how its wire is cut.
//!
//! # What a layer does not promise
//!
//! A profile may take promises back. Their tests are there and pass, for a macro cannot know; one more test,
//! `what_is_not_promised_is_listed`, prints them by name, each with the reason:
//!
//! ```text
//! $ cargo test what_is_not_promised -- --nocapture
//! not promised: report_tells_who_got_it_and_who_did_not, since Profile::reports is false
//! not promised: gap_is_told_to_every_mailbox_after_a_cut, since there is no Profile::cut
//! …
//! ```
//!
//! # How it works
//!
//! Each test builds a runtime of its own, with the clock paused unless the profile says otherwise, makes fresh layers
//! with [`Wanted`] settings, and panics with what it saw when a promise is broken. [`promises`] lists them, for those
//! who want to run them in another way.
//!
//! - **Waiting**: a check waits for what it expects, up to [`Profile::patience`]. That nothing else comes it sees by a *mark*, a message
//!   that is sent afterwards and before which nothing may arrive; it does not take silence for the end. So a slow machine fails no
//!   sound layer. A check that fails prints what each mailbox has received and what the layers have dropped.
//! - **Time**: a paused clock goes on to the next timer whenever all tasks wait, and so jumps over each wait for a socket. A layer
//!   that does I/O therefore needs [`Profile::real_expiry`], or its time-outs go off at once.
//! - **A broker inside the test process** must not live in a test's runtime, which ends with the test. Give it a thread and a
//!   runtime of its own, once, in a `OnceLock`.
//! - **Tests run side by side**: what belongs to one is found by its [namespace](Wanted::namespace).
//!
//! # The promises
//!
//! In brackets: the part of the [`Profile`] without which it is not tried.
//!
#![doc = include_str!("promises.md")]

mod checks;
mod need;
mod profile;
mod promise;
mod receive;
mod seen;
mod subject;
mod timely;

pub use self::{
    profile::{Profile, Wanted},
    promise::{Promise, promises},
    subject::Subject,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_promise_is_in_the_docs_in_words() {
        let mut described: Vec<_> = include_str!("promises.md")
            .lines()
            .filter_map(|line| line.strip_prefix("- `")?.split('`').next())
            .collect();
        let mut names: Vec<_> = promises().map(|promise| promise.name).collect();

        described.sort_unstable();
        names.sort_unstable();
        assert_eq!(described, names);
    }
}
