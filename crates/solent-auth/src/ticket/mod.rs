//! Logins that a browser learns of later.

mod promise;
mod spent;
mod ticket_text;
mod tickets;

pub(crate) use self::{promise::Promise, spent::SpentTickets};
pub use self::{ticket_text::Ticket, tickets::Tickets};
