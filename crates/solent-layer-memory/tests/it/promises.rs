use solent_testing::conformance::Profile;

use super::*;

solent_testing::layer_conformance!(
    |wanted| MemoryLayer::new(
        MemoryConfig::default()
            .capacities(wanted.capacities)
            .expiry(wanted.expiry)
            .group_expiry(wanted.group_expiry)
            .policy(wanted.policy)
    ),
    Profile::default().leases(true)
);
