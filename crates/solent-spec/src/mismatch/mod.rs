//! Why a value is not of the type that it is decoded as.

mod reason;
mod search;
mod tree;

use std::fmt;

use serde::de::DeserializeOwned;

pub(crate) use self::tree::Tree;
use self::{reason::Reason, search::Search};

/// Above this, no field is looked for: that decodes a value again and again.
const MAX_SIZE: usize = 16 * 1024;

/// Which field of a value is not as expected, and why: in the decoder's words, but without the value.
///
/// Shown as ``` `to[1].id`: invalid type: string, expected u32 ```.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    field: Option<String>,
    reason: String,
}

impl Mismatch {
    /// The way to the field: `to[1].id`. `None` if it is the value as a whole, a field that is missing, or a value of more
    /// than 16 KiB, whose fields are not searched.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// What is wrong with it.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.field {
            write!(f, "`{field}`: ")?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Mismatch {}

/// Finds out why a value of `size` bytes is no `T`. Costs some decodings, so for values that failed.
#[cold]
pub(crate) fn mismatch<T: DeserializeOwned>(tree: Option<Tree>, size: usize) -> Mismatch {
    let decode = |tree: &Tree| T::deserialize(tree).err();
    let failed = tree.and_then(|tree| Some((decode(&tree)?, tree)));
    let Some((Reason(reason), tree)) = failed else {
        return Mismatch {
            field: None,
            reason: "value has another shape".into(),
        };
    };
    let field = (size <= MAX_SIZE)
        .then(|| Search::new(tree, &reason, &decode).field())
        .flatten();
    Mismatch { field, reason }
}
