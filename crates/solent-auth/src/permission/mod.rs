//! Who may use an application.

mod asked;
mod check;
mod next;
mod require;

pub(crate) use self::next::next_page;
pub use self::{
    asked::Asked,
    check::{And, Authenticated, Check, Not, Or, Permission, authenticated, permission},
    require::{Require, require},
};
