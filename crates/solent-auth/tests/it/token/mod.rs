//! Users who come with a token.

mod expiry;
mod first_message;
mod http;
mod person;
mod refresh;
mod socket;
mod stay;
