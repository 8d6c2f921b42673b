//! Where Django keeps sessions, and how.
