//! Users who come with a token.

mod expiry;
mod first_message;
mod http;
mod live;
mod person;
mod refresh;
mod socket;
mod stay;
