//! The crate from outside.

// Which types may cross threads.
mod auto_traits;
// A layer whose type is forgotten.
mod dyn_layer;
// The guide in `docs/` and the tested example are one.
mod guide;
