//! The crate from outside.

// The layer conformance kit, tried on sound layers and on one with selectable defects.
mod conformance;
