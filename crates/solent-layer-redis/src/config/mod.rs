//! Where Redis is, and how the layers use it.
