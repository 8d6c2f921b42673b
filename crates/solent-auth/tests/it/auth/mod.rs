//! Users, their logins, and what ends those.

mod applications;
mod consumer;
mod ended;
mod guard;
mod login;
mod race;
mod resolve;
mod scope;
mod site;
mod ticket;
