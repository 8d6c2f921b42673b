//! Which host names an application answers to.

mod allowed;
mod domain;
mod name;

pub use self::allowed::AllowedHosts;
pub(crate) use self::domain::same_domain;
