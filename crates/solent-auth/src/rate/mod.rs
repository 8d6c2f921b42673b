//! How often a peer may connect and speak.
