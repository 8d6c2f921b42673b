//! Which host names an application answers to.
