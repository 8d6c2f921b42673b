//! permessage-deflate: RFC 7692.

mod compress;
mod inflate;
mod negotiate;

pub(crate) use self::{
    compress::Deflater,
    inflate::Inflater,
    negotiate::{Agreed, negotiate},
};
pub(super) use self::{
    compress::once,
    inflate::{Inflated, Inflating},
};

/// What every message's compressed bytes end with, and what is not sent (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
