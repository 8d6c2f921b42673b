//! The builder, from outside.

/// Who works on named channels, and how.
mod worker;
