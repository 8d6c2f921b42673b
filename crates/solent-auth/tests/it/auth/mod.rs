//! Users, their logins, and what ends those.

mod applications;
mod guard;
mod login;
mod resolve;
mod site;
mod ticket;
