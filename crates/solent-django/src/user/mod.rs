//! Users, groups and permissions of Django.

mod person;
mod primary_key;
mod statements;
mod table;
mod users;

pub use self::{
    person::DjangoUser,
    primary_key::PrimaryKey,
    table::{Membership, UserTable},
    users::DjangoUsers,
};
