//! MessagePack, read and written token by token.

mod check;
mod read;
mod write;

#[cfg(test)]
pub(super) use self::check::MAX_DEPTH;
pub(super) use self::{
    check::{Extensions, check, deeper, text},
    read::{Reader, Token},
    write::{
        Container, FALSE, NIL, TRUE, push_array_len, push_f64, push_int, push_map_len, push_str,
        push_uint, set_len,
    },
};
