//! What a layer has to be like for a promise to be tried.

use super::Profile;

/// What a promise needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Reports tell of the members in this process.
    Reports,
    /// A send fails for a mailbox that is full.
    Tells,
    /// Messages wait for listeners, who compete.
    Queues,
    /// Layers play processes.
    Processes,
    /// A flush reaches every process.
    Flushes,
    /// Group messages and messages keep their order among each other.
    Order,
    /// There is a limit for the size of messages.
    Limit,
    /// The layer has leases.
    Leases,
    /// The wire can be cut.
    Cut,
    /// The layer takes the settings that are wanted.
    Settings,
}

impl Need {
    /// Whether a layer is like this.
    pub(super) fn is_met(self, profile: &Profile, takes_settings: bool) -> bool {
        match self {
            Self::Reports => profile.reports,
            Self::Tells => profile.tells_full,
            Self::Queues => profile.queues,
            Self::Processes => profile.spans_processes,
            Self::Flushes => profile.flushes_all,
            Self::Order => profile.one_order,
            Self::Limit => profile.max_message.is_some(),
            Self::Leases => profile.leases,
            Self::Cut => profile.cut.is_some(),
            Self::Settings => takes_settings,
        }
    }

    /// Why a layer is not like this.
    pub(super) fn missing(self) -> &'static str {
        match self {
            Self::Reports => "Profile::reports is false",
            Self::Tells => "Profile::tells_full is false",
            Self::Queues => "Profile::queues is false",
            Self::Processes => "Profile::spans_processes is false",
            Self::Flushes => "Profile::flushes_all is false",
            Self::Order => "Profile::one_order is false",
            Self::Limit => "there is no Profile::max_message",
            Self::Leases => "Profile::leases is false",
            Self::Cut => "there is no Profile::cut",
            Self::Settings => "the layer is not given what is wanted",
        }
    }
}
