//! Users, and how they log in and out.
