//! Finding the field that a decoder stumbles upon.
//!
//! Where an enum has its tag beside its fields, a decoder does not know any more in which field it is. But it stops at the
//! first one that is wrong: so the field is where values that are cut off later fail in the same way, and values that are cut
//! off earlier do not.

use std::{fmt::Write, mem};

use super::{Reason, Tree};

/// Levels to descend.
const MAX_DEPTH: usize = 8;
/// The most characters of a name that are shown.
const MAX_NAME: usize = 40;

pub(super) struct Search<'a> {
    tree: Tree,
    /// Places in maps and sequences, from the outside in.
    path: Vec<usize>,
    reason: &'a str,
    decode: &'a dyn Fn(&Tree) -> Option<Reason>,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        tree: Tree,
        reason: &'a str,
        decode: &'a dyn Fn(&Tree) -> Option<Reason>,
    ) -> Self {
        Self {
            tree,
            path: Vec::new(),
            reason,
            decode,
        }
    }

    /// The way to the field, if it can be told for sure.
    pub(super) fn field(mut self) -> Option<String> {
        // What is not there is found in none of the entries.
        if ["missing field", "invalid length"]
            .iter()
            .any(|what| self.reason.starts_with(what))
        {
            return None;
        }
        while self.path.len() < MAX_DEPTH
            && let Some(at) = self.culprit()
        {
            self.path.push(at);
        }
        self.shown()
    }

    /// The entry of the innermost map or sequence that fails.
    fn culprit(&mut self) -> Option<usize> {
        let len = self.tree.at(&self.path).len();
        if len == 0 || self.fails_with(|_| false) {
            return None;
        }
        let first = search(len, |count| self.fails_with(|at| at < count)) - 1;
        let last = len - search(len, |count| self.fails_with(|at| at + count >= len));
        // Two fields may be wrong in the same way. Or one of the two is the tag, without which nothing works.
        if first == last || self.fails_with(|at| at != last) {
            Some(first)
        } else {
            self.fails_with(|at| at != first).then_some(last)
        }
    }

    /// Whether a value with some entries of the innermost map or sequence only fails in the same way. A `type` stays.
    fn fails_with(&mut self, keep: impl Fn(usize) -> bool) -> bool {
        let entries = self.tree.at(&self.path).keep(keep);
        let all = mem::replace(self.tree.at_mut(&self.path), entries);
        let failed = (self.decode)(&self.tree);
        *self.tree.at_mut(&self.path) = all;
        failed.is_some_and(|Reason(reason)| reason == self.reason)
    }

    fn shown(&self) -> Option<String> {
        let mut shown = String::new();
        for depth in 0..self.path.len() {
            let (outer, at) = (self.tree.at(&self.path[..depth]), self.path[depth]);
            match outer.key(at) {
                Some(name) => {
                    let dot = if depth == 0 { "" } else { "." };
                    let name: String = name.escape_debug().take(MAX_NAME).collect();
                    let _ = write!(shown, "{dot}{name}");
                }
                None => {
                    let _ = write!(shown, "[{at}]");
                }
            }
        }
        (!shown.is_empty()).then_some(shown)
    }
}

/// The smallest number from 1 to `len` for which `is` holds, as it does for all larger ones.
fn search(len: usize, mut is: impl FnMut(usize) -> bool) -> usize {
    let (mut low, mut high) = (1, len);
    while low < high {
        let middle = low.midpoint(high);
        if is(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}
