//! Which host names an application answers to.

mod domain;

pub(crate) use self::domain::same_domain;
