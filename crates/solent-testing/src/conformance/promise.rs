//! The list of promises, and the macro that makes tests of them.

use std::{fmt, future::Future, pin::Pin};

use super::{Subject, checks, need::Need};

/// One promise of a channel layer.
pub struct Promise {
    /// The promise in words, as the name of its test.
    pub name: &'static str,
    /// What tries it.
    pub(super) check: fn(&Subject) -> Pin<Box<dyn Future<Output = ()> + '_>>,
    /// What a layer has to be like to promise it.
    pub(super) needs: &'static [Need],
    /// Whether it is tried with several threads, and so without a paused clock.
    pub(super) threads: bool,
}

impl Promise {
    /// The promise of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        promises().find(|promise| promise.name == name)
    }
}

impl fmt::Debug for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Promise").field(&self.name).finish()
    }
}

/// All promises.
pub fn promises() -> impl Iterator<Item = &'static Promise> {
    static BASIC: &[Promise] = crate::__layer_promises!(basic, __layer_list);
    static WANTING: &[Promise] = crate::__layer_promises!(wanting, __layer_list);
    static THREADS: &[Promise] = crate::__layer_promises!(threads, __layer_list);
    BASIC.iter().chain(WANTING).chain(THREADS)
}

/// Makes a test of each promise of a channel layer; see [`conformance`](crate::conformance).
///
/// `layer_conformance!(layer)`, `layer_conformance!(|wanted| layer)` or `layer_conformance!(|wanted| layer, profile)`,
/// where `layer` is an expression, async if it likes, for a fresh layer, `wanted` is the
/// [`Wanted`](crate::conformance::Wanted) settings, and `profile` is a [`Profile`](crate::conformance::Profile).
/// The tests land in the module where the macro is called; a second layer needs a module of its own. One test more,
/// `what_is_not_promised_is_listed`, prints the promises that the profile takes back.
#[macro_export]
macro_rules! layer_conformance {
    (|$wanted:ident| $layer:expr $(,)?) => {
        $crate::layer_conformance!(|$wanted| $layer, $crate::conformance::Profile::default());
    };
    (|$wanted:ident| $layer:expr, $profile:expr $(,)?) => {
        fn conformance_subject() -> $crate::conformance::Subject {
            $crate::conformance::Subject::new($profile, |$wanted| async move { $layer })
        }
        $crate::__layer_promises! { __layer_tests, [basic, wanting, threads] }
        $crate::__layer_untried! {}
    };
    ($layer:expr $(,)?) => {
        fn conformance_subject() -> $crate::conformance::Subject {
            $crate::conformance::Subject::new(
                $crate::conformance::Profile::default(),
                |_| async move { $layer },
            )
            .without_settings()
        }
        $crate::__layer_promises! { __layer_tests, [basic, threads] }
        $crate::__layer_untried! {}
    };
}

/// The promises by kind: `basic` ones hold for a layer with the default settings, `wanting` ones need other settings,
/// `threads` ones are tried with several threads. In brackets: what a layer has to be like to promise it.
#[doc(hidden)]
#[macro_export]
macro_rules! __layer_promises {
    ($make:ident, [$($kind:ident),*]) => {
        $( $crate::__layer_promises! { $kind, $make } )*
    };
    (basic, $make:ident) => {
        $crate::$make! { basic {
            // Names.
            open_gives_every_mailbox_a_name_of_its_own
            opened_name_begins_with_its_prefix_and_is_process_specific
            open_refuses_a_prefix_that_breaks_the_rules
            listen_refuses_a_name_of_one_process
            // Delivery.
            messages_of_one_sender_arrive_in_order
            message_reaches_its_channel_and_no_other
            message_wakes_a_reader_that_waits
            dropped_recv_loses_nothing
            sending_to_a_channel_that_is_gone_succeeds
            // Workers.
            layer_says_whether_it_has_queues
            message_waits_for_a_listener (Queues)
            each_message_goes_to_one_of_the_listeners
            busy_listener_does_not_keep_messages_from_an_idle_one
            unread_messages_of_a_dropped_listener_go_to_another
            // Capacity.
            full_channel_hands_the_message_back (Settings)
            reading_makes_room (Settings)
            burst_waits_in_the_mailbox_of_a_busy_reader
            name_without_a_listener_is_bounded (Queues)
            // Expiry.
            unread_message_expires
            message_lives_until_it_expires
            message_without_a_listener_expires
            expired_messages_make_room
            // Groups.
            group_message_reaches_every_member
            groups_do_not_mix
            channel_may_be_in_several_groups
            channel_added_twice_gets_one_message
            discarded_channel_gets_nothing
            discarded_name_gets_nothing
            discarding_a_stranger_is_no_error
            empty_group_takes_messages
            group_messages_of_one_sender_arrive_in_order
            message_does_not_overtake_a_group_message (Order)
            full_member_fails_nobody (Settings)
            listened_name_can_be_a_member
            dropped_mailbox_leaves_its_groups
            open_mailbox_stays_a_member
            membership_of_a_listened_name_expires
            adding_again_renews_a_membership_that_expires
            // Reports.
            report_tells_who_got_it_and_who_did_not (Reports Settings)
            drops_are_counted_by_cause (Settings)
            // What is lost is told.
            overflow_is_told_once_with_its_number (Settings)
            refused_message_is_not_told_as_lost (Tells Settings)
            expired_messages_are_told_as_lost
            // Life and end.
            flush_forgets_messages_and_groups
            flush_keeps_mailboxes_open
            close_ends_mailboxes
            close_ends_in_time
            closed_layer_fails_every_call
            dropped_layer_ends_its_mailboxes
            // What messages carry.
            every_kind_of_value_survives
            typed_event_survives
            ready_frame_survives
            megabyte_survives
            larger_message_than_the_limit_is_handed_back (Limit)
            // Leases.
            lease_has_one_holder (Leases)
            released_lease_is_free_at_once (Leases)
            lease_that_is_not_renewed_goes_to_another (Leases)
            late_holder_does_not_release_the_lease_of_another (Leases)
            // Several processes.
            group_message_reaches_members_in_another_process (Processes)
            message_reaches_a_channel_of_another_process (Processes)
            channel_of_another_process_joins_or_is_refused (Processes)
            flush_reaches_every_process (Processes Flushes)
            close_leaves_other_processes_alone (Processes)
            // Workers in several processes.
            listeners_in_two_processes_compete (Processes Queues)
            busy_process_does_not_keep_messages_from_an_idle_one (Processes Queues)
            unread_messages_go_to_another_process (Processes Queues)
            name_is_a_member_whichever_process_adds_it (Processes Queues)
            // A wire that is cut.
            gap_is_told_to_every_mailbox_after_a_cut (Cut)
            subscriptions_are_back_when_a_gap_is_told (Cut)
            nothing_arrives_twice_after_a_cut (Cut)
        } }
    };
    (wanting, $make:ident) => {
        $crate::$make! { wanting {
            capacity_is_found_by_pattern (Settings)
            oldest_message_makes_room_if_that_is_the_policy (Settings)
            slow_reader_is_disconnected_if_that_is_the_policy (Settings)
        } }
    };
    (threads, $make:ident) => {
        $crate::$make! { threads {
            many_senders_lose_nothing_and_keep_their_order
            listeners_share_a_flood_without_loss
            members_that_come_and_go_disturb_nobody
        } }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __layer_tests {
    ($kind:ident { $($name:ident $(($($need:ident)+))?)* }) => {
        $(
            #[test]
            fn $name() {
                let promise = $crate::conformance::Promise::named(stringify!($name))
                    .expect("the macro and the list agree");
                conformance_subject().check(promise);
            }
        )*
    };
}

/// The test that says what is not tried.
#[doc(hidden)]
#[macro_export]
macro_rules! __layer_untried {
    () => {
        #[test]
        fn what_is_not_promised_is_listed() {
            conformance_subject().list_unpromised();
        }
    };
}

/// The promises of one kind as a slice, for the kit itself.
#[doc(hidden)]
#[macro_export]
macro_rules! __layer_list {
    ($kind:ident { $($name:ident $(($($need:ident)+))?)* }) => {
        &[$( Promise {
            name: stringify!($name),
            check: |subject| Box::pin(checks::$name(subject)),
            needs: &[$($(Need::$need),+)?],
            threads: $crate::__layer_list!(@threads $kind),
        } ),*]
    };
    (@threads threads) => { true };
    (@threads $kind:ident) => { false };
}
