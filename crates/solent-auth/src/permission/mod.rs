//! Who may use an application.

mod asked;
mod check;
mod require;

pub use self::{
    asked::Asked,
    check::{And, Authenticated, Check, Not, Or, Permission, authenticated, permission},
    require::{Require, require},
};
