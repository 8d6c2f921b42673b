//! Connections to Redis that come back.
