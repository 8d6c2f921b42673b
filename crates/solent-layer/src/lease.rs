//! What one of several processes has, and the others wait for.

use std::sync::Arc;

use crate::{GroupName, NameSource};

/// A claim to a lease: the name of the lease, and who claims it. Cheap to clone; clones are the same claim.
///
/// Of all claims to one name, in all processes that share a layer, one [holds](crate::ChannelLayer::hold) the lease at a time.
///
/// ```
/// use solent_layer::Claim;
///
/// let (here, there) = (Claim::new("reminders".parse()?), Claim::new("reminders".parse()?));
///
/// assert_eq!(here.name(), there.name());
/// assert_ne!(here.token(), there.token());
/// # Ok::<(), solent_layer::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    name: GroupName,
    token: Arc<str>,
}

impl Claim {
    /// A new claim, different from all others. Leases are named by the rules for groups, and have nothing else to do with them.
    pub fn new(name: GroupName) -> Self {
        // Its operating system's randomness makes it unique across processes and machines.
        let token = NameSource::new().process().into();
        Self { name, token }
    }

    /// The lease.
    pub fn name(&self) -> &GroupName {
        &self.name
    }

    /// What no other claim has. A layer keeps it with the lease, so that a holder which was late neither renews nor
    /// releases a lease that another has taken meanwhile.
    pub fn token(&self) -> &str {
        &self.token
    }
}
