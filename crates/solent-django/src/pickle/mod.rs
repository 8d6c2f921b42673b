//! Pickles, as Django's caches keep sessions: plain data is read and written, and nothing is ever executed.
//!
//! A pickle is a program for a small machine, and with Python it can call whatever it likes. Here the machine has only the
//! instructions that make plain data: `None`, booleans, numbers, text, `bytes`, lists, tuples and dictionaries, in protocols 0
//! to 5. A pickle with any other is refused as a whole, and so is one that is larger, deeper or more than [`PickleLimits`]
//! say, with all that it refers to several times counted several times.
//!
//! ```
//! use solent_django::pickle;
//!
//! # fn main() -> Result<(), pickle::PickleError> {
//! // pickle.dumps({"fav_color": "blue"})
//! let session = pickle::read(b"\x80\x05\x95\x17\0\0\0\0\0\0\0}\x94\x8c\tfav_color\x94\x8c\x04blue\x94s.")?;
//! assert_eq!(session["fav_color"], "blue");
//!
//! // pickle.dumps(os.system, 0)
//! assert!(pickle::read(b"cposix\nsystem\np0\n.").is_err());
//! # Ok(())
//! # }
//! ```
//!
//! # What JSON has no form for
//!
//! | Python | here | written back as |
//! |---|---|---|
//! | `nan`, `inf`, `-inf` | `{"$python": "NaN"}`, `"Infinity"`, `"-Infinity"` | the same |
//! | an integer beyond 64 bits | `{"$python": "18446744073709551616"}` | the same |
//! | `bytes` | `{"$python": {"bytes": "AAEC"}}`, in base64 | the same |
//! | a `dict` with keys that are not text | `{"$python": {"dict": [[1, "one"]]}}` | the same |
//! | a `tuple` | an array | a list, or a tuple in a key |
//! | text with half a surrogate pair | `{"$python": {"str": "\\ud83d"}}`, as in JSON | the same |

mod error;
mod graph;
mod long;
mod opcode;
mod reader;
mod text;
mod writer;

use serde_json::{Map, Value};

pub use self::{
    error::{PickleError, PickleLimits},
    writer::{write, write_value},
};

/// Reads a dictionary with text for keys, as a session is, within the default [`PickleLimits`].
///
/// # Errors
///
/// [`PickleError`] if it is anything else, or more than plain data.
pub fn read(pickle: &[u8]) -> Result<Map<String, Value>, PickleError> {
    let limits = PickleLimits::default();
    reader::read(pickle, &limits)?.into_map(&limits)
}

/// Reads any plain data within `limits`.
///
/// # Errors
///
/// [`PickleError`] if there is more than plain data in it, or more of it than the limits allow.
pub fn read_value(pickle: &[u8], limits: &PickleLimits) -> Result<Value, PickleError> {
    reader::read(pickle, limits)?.into_value(limits)
}
