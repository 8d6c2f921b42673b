//! Warnings that a client can cause.

/// Warns at most once a second at this place, with the number of those that were held back meanwhile. These are told at the level
/// DEBUG.
macro_rules! warn_throttled {
    ($($field:tt)*) => {{
        static THROTTLE: solent_spec::Throttle = solent_spec::Throttle::new();
        match THROTTLE.pass() {
            Some(0) => tracing::warn!(target: "solent::auth", $($field)*),
            Some(held_back) => tracing::warn!(target: "solent::auth", held_back, $($field)*),
            None => tracing::debug!(target: "solent::auth", $($field)*),
        }
    }};
}
