//! Every promise can be broken, and the kit notices.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
};

use solent_testing::conformance::{Promise, Subject, promises};

use super::faulty;

/// What is wrong with a [`Faulty`](super::faulty::Faulty) layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    None,
    RepeatsNames,
    IgnoresPrefix,
    HasNoProcess,
    TakesAnyPrefix,
    ListensAnywhere,
    Reorders,
    Duplicates,
    Loses,
    Misroutes,
    LosesWhatIsWaitedFor,
    MindsTheGone,
    NeedsAListener,
    CopiesToListeners,
    TakesTurns,
    NeverFull,
    FullIsSilent,
    HandsBackAnother,
    NeverMakesRoom,
    NamesAreUnbounded,
    IgnoresPatterns,
    IgnoresPolicy,
    NeverExpires,
    ExpiresEarly,
    ExpiredTakeRoom,
    SkipsTheFirst,
    MixesGroups,
    KnowsOneGroup,
    AddsTwice,
    ForgetsToDiscard,
    MindsStrangers,
    MindsEmptyGroups,
    FailsWithAMember,
    StopsAtAFullMember,
    WantsAMailbox,
    RemembersTheGone,
    MembershipNeverExpires,
    OpenMailboxesExpire,
    NeverRenews,
    ReportsNothing,
    CountsNothing,
    FlushKeepsMessages,
    FlushKeepsGroups,
    FlushCloses,
    LeavesMailboxesOpen,
    WorksWhenClosed,
    Mangles,
    LimitsLittle,
    HasNoLimit,
    IsAlone,
    NamesStay,
    OvertakesGroups,
    CloseWaitsForReaders,
    DropKeepsMailboxes,
    AddsOwnChannelsOnly,
    FlushesOneProcess,
    ClosesForAll,
    DealsToProcesses,
    LosesWithTheLastListener,
    AddsOwnNamesOnly,
    GapIsSilent,
    GapIsToldToOne,
    ComesBackWithoutGroups,
    RepeatsAfterACut,
    OverflowIsSilent,
    RefusedIsLost,
    HoldsNoBurst,
    DeniesQueues,
    LeasesToAll,
    KeepsReleasedLeases,
    LeasesNeverExpire,
    AnybodyReleasesLeases,
}

/// Each defect with the promises that it must be seen to break.
const BREAKS: &[(Defect, &[&str])] = &[
    (
        Defect::RepeatsNames,
        &["open_gives_every_mailbox_a_name_of_its_own"],
    ),
    (
        Defect::IgnoresPrefix,
        &["opened_name_begins_with_its_prefix_and_is_process_specific"],
    ),
    (
        Defect::HasNoProcess,
        &["opened_name_begins_with_its_prefix_and_is_process_specific"],
    ),
    (
        Defect::TakesAnyPrefix,
        &["open_refuses_a_prefix_that_breaks_the_rules"],
    ),
    (
        Defect::ListensAnywhere,
        &["listen_refuses_a_name_of_one_process"],
    ),
    (
        Defect::Reorders,
        &[
            "messages_of_one_sender_arrive_in_order",
            "group_messages_of_one_sender_arrive_in_order",
            "many_senders_lose_nothing_and_keep_their_order",
        ],
    ),
    (
        Defect::Duplicates,
        &[
            "messages_of_one_sender_arrive_in_order",
            "each_message_goes_to_one_of_the_listeners",
            "many_senders_lose_nothing_and_keep_their_order",
            "members_that_come_and_go_disturb_nobody",
        ],
    ),
    (
        Defect::Loses,
        &[
            "message_waits_for_a_listener",
            "group_message_reaches_every_member",
            "listeners_share_a_flood_without_loss",
        ],
    ),
    (
        Defect::Misroutes,
        &["message_reaches_its_channel_and_no_other"],
    ),
    (
        Defect::LosesWhatIsWaitedFor,
        &[
            "message_wakes_a_reader_that_waits",
            "dropped_recv_loses_nothing",
        ],
    ),
    (
        Defect::MindsTheGone,
        &["sending_to_a_channel_that_is_gone_succeeds"],
    ),
    (Defect::NeedsAListener, &["message_waits_for_a_listener"]),
    (
        Defect::CopiesToListeners,
        &[
            "each_message_goes_to_one_of_the_listeners",
            "listened_name_can_be_a_member",
        ],
    ),
    (
        Defect::TakesTurns,
        &[
            "busy_listener_does_not_keep_messages_from_an_idle_one",
            "unread_messages_of_a_dropped_listener_go_to_another",
        ],
    ),
    (
        Defect::NeverFull,
        &[
            "full_channel_hands_the_message_back",
            "name_without_a_listener_is_bounded",
        ],
    ),
    (
        Defect::FullIsSilent,
        &["full_channel_hands_the_message_back"],
    ),
    (
        Defect::HandsBackAnother,
        &["full_channel_hands_the_message_back"],
    ),
    (Defect::NeverMakesRoom, &["reading_makes_room"]),
    (
        Defect::NamesAreUnbounded,
        &["name_without_a_listener_is_bounded"],
    ),
    (Defect::IgnoresPatterns, &["capacity_is_found_by_pattern"]),
    (
        Defect::IgnoresPolicy,
        &[
            "oldest_message_makes_room_if_that_is_the_policy",
            "slow_reader_is_disconnected_if_that_is_the_policy",
        ],
    ),
    (
        Defect::NeverExpires,
        &[
            "unread_message_expires",
            "message_lives_until_it_expires",
            "message_without_a_listener_expires",
            "expired_messages_make_room",
            "expired_messages_are_told_as_lost",
        ],
    ),
    (Defect::ExpiresEarly, &["message_lives_until_it_expires"]),
    (Defect::ExpiredTakeRoom, &["expired_messages_make_room"]),
    (
        Defect::SkipsTheFirst,
        &["group_message_reaches_every_member"],
    ),
    (Defect::MixesGroups, &["groups_do_not_mix"]),
    (Defect::KnowsOneGroup, &["channel_may_be_in_several_groups"]),
    (Defect::AddsTwice, &["channel_added_twice_gets_one_message"]),
    (
        Defect::ForgetsToDiscard,
        &["discarded_channel_gets_nothing"],
    ),
    (
        Defect::MindsStrangers,
        &["discarding_a_stranger_is_no_error"],
    ),
    (Defect::MindsEmptyGroups, &["empty_group_takes_messages"]),
    (Defect::FailsWithAMember, &["full_member_fails_nobody"]),
    (Defect::StopsAtAFullMember, &["full_member_fails_nobody"]),
    (Defect::WantsAMailbox, &["listened_name_can_be_a_member"]),
    (
        Defect::RemembersTheGone,
        &["dropped_mailbox_leaves_its_groups"],
    ),
    (
        Defect::MembershipNeverExpires,
        &["membership_of_a_listened_name_expires"],
    ),
    (
        Defect::OpenMailboxesExpire,
        &["open_mailbox_stays_a_member"],
    ),
    (
        Defect::NeverRenews,
        &["adding_again_renews_a_membership_that_expires"],
    ),
    (
        Defect::ReportsNothing,
        &["report_tells_who_got_it_and_who_did_not"],
    ),
    (Defect::CountsNothing, &["drops_are_counted_by_cause"]),
    (
        Defect::FlushKeepsMessages,
        &["flush_forgets_messages_and_groups"],
    ),
    (
        Defect::FlushKeepsGroups,
        &["flush_forgets_messages_and_groups"],
    ),
    (Defect::FlushCloses, &["flush_keeps_mailboxes_open"]),
    (Defect::LeavesMailboxesOpen, &["close_ends_mailboxes"]),
    (Defect::WorksWhenClosed, &["closed_layer_fails_every_call"]),
    (
        Defect::Mangles,
        &[
            "every_kind_of_value_survives",
            "typed_event_survives",
            "ready_frame_survives",
        ],
    ),
    (Defect::LimitsLittle, &["megabyte_survives"]),
    (
        Defect::HasNoLimit,
        &["larger_message_than_the_limit_is_handed_back"],
    ),
    (
        Defect::IsAlone,
        &[
            "group_message_reaches_members_in_another_process",
            "message_reaches_a_channel_of_another_process",
            "listeners_in_two_processes_compete",
        ],
    ),
    (Defect::NamesStay, &["discarded_name_gets_nothing"]),
    (
        Defect::OvertakesGroups,
        &["message_does_not_overtake_a_group_message"],
    ),
    (Defect::CloseWaitsForReaders, &["close_ends_in_time"]),
    (
        Defect::DropKeepsMailboxes,
        &["dropped_layer_ends_its_mailboxes"],
    ),
    (
        Defect::AddsOwnChannelsOnly,
        &["channel_of_another_process_joins_or_is_refused"],
    ),
    (Defect::FlushesOneProcess, &["flush_reaches_every_process"]),
    (
        Defect::ClosesForAll,
        &["close_leaves_other_processes_alone"],
    ),
    (
        Defect::DealsToProcesses,
        &["busy_process_does_not_keep_messages_from_an_idle_one"],
    ),
    (
        Defect::LosesWithTheLastListener,
        &["unread_messages_go_to_another_process"],
    ),
    (
        Defect::AddsOwnNamesOnly,
        &["name_is_a_member_whichever_process_adds_it"],
    ),
    (
        Defect::GapIsSilent,
        &["gap_is_told_to_every_mailbox_after_a_cut"],
    ),
    (
        Defect::GapIsToldToOne,
        &["gap_is_told_to_every_mailbox_after_a_cut"],
    ),
    (
        Defect::ComesBackWithoutGroups,
        &["subscriptions_are_back_when_a_gap_is_told"],
    ),
    (
        Defect::RepeatsAfterACut,
        &["nothing_arrives_twice_after_a_cut"],
    ),
    (
        Defect::OverflowIsSilent,
        &["overflow_is_told_once_with_its_number"],
    ),
    (
        Defect::RefusedIsLost,
        &["refused_message_is_not_told_as_lost"],
    ),
    (
        Defect::HoldsNoBurst,
        &["burst_waits_in_the_mailbox_of_a_busy_reader"],
    ),
    (Defect::DeniesQueues, &["layer_says_whether_it_has_queues"]),
    (Defect::LeasesToAll, &["lease_has_one_holder"]),
    (
        Defect::KeepsReleasedLeases,
        &["released_lease_is_free_at_once"],
    ),
    (
        Defect::LeasesNeverExpire,
        &["lease_that_is_not_renewed_goes_to_another"],
    ),
    (
        Defect::AnybodyReleasesLeases,
        &["late_holder_does_not_release_the_lease_of_another"],
    ),
];

#[test]
fn every_defect_breaks_its_promises() {
    let mut unnoticed = Vec::new();
    for (defect, names) in BREAKS {
        for name in *names {
            let promise = Promise::named(name).unwrap_or_else(|| panic!("no promise {name}"));
            if keeps(*defect, promise) {
                unnoticed.push((defect, name));
            }
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed:#?}");
}

#[test]
fn every_promise_has_a_defect_that_breaks_it() {
    let broken: HashSet<_> = BREAKS.iter().flat_map(|(_, names)| *names).collect();
    for promise in promises() {
        assert!(broken.contains(&promise.name), "{}", promise.name);
    }
}

/// Whether a layer with this defect passes the test of a promise.
fn keeps(defect: Defect, promise: &Promise) -> bool {
    let profile = faulty::profile().patience(std::time::Duration::from_secs(2));
    let subject = Subject::new(profile, move |wanted| faulty::connect(wanted, defect));
    catch_unwind(AssertUnwindSafe(|| subject.check(promise))).is_ok()
}
