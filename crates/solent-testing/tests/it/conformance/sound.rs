//! Layers without a defect pass, given in each way that the macro takes.

/// The layer alone.
mod default_settings {
    use solent_layer_memory::MemoryLayer;

    solent_testing::layer_conformance!(MemoryLayer::default());
}

/// A layer with the settings that are wanted.
mod wanted_settings {
    use solent_layer_memory::{MemoryConfig, MemoryLayer};

    solent_testing::layer_conformance!(|wanted| MemoryLayer::new(
        MemoryConfig::default()
            .capacities(wanted.capacities)
            .expiry(wanted.expiry)
            .group_expiry(wanted.group_expiry)
            .policy(wanted.policy)
    ));
}

/// A layer whose clock cannot be paused.
mod real_time {
    use std::time::Duration;

    use solent_layer_memory::{MemoryConfig, MemoryLayer};
    use solent_testing::conformance::Profile;

    solent_testing::layer_conformance!(
        |wanted| MemoryLayer::new(
            MemoryConfig::default()
                .capacities(wanted.capacities)
                .expiry(wanted.expiry)
                .group_expiry(wanted.group_expiry)
                .policy(wanted.policy)
        ),
        Profile::default()
            .real_expiry(Duration::from_millis(500))
            .leases(true)
    );
}

/// A layer that takes time to make, spans processes and has a limit.
mod several_processes {
    use super::super::{defect::Defect, faulty};

    solent_testing::layer_conformance!(
        |wanted| faulty::connect(wanted, Defect::None).await,
        faulty::profile()
    );
}
