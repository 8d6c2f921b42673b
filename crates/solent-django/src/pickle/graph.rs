//! What a pickle builds: values that refer to each other, before they become a tree.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{PickleError, PickleLimits};
use crate::python::Special;

/// A value's place in a [`Graph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(pub(super) u32);

/// One value. Lists and dictionaries can grow after others refer to them, and contain themselves.
#[derive(Debug)]
pub(super) enum Node<'a> {
    /// `None`, a boolean or a number.
    Scalar(Value),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
}

/// All values of a pickle, and the one that it is about.
#[derive(Debug)]
pub(super) struct Graph<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) root: Id,
}

impl Graph<'_> {
    /// The tree under the root, within the limits.
    pub(super) fn into_value(self, limits: &PickleLimits) -> Result<Value, PickleError> {
        Tree::new(&self.nodes, limits).value(self.root, 0)
    }

    /// The entries of the root, if it is a dictionary with text for keys.
    pub(super) fn into_map(self, limits: &PickleLimits) -> Result<Map<String, Value>, PickleError> {
        let Node::Dict(entries) = &self.nodes[self.root.0 as usize] else {
            return Err(PickleError::NotADictionary);
        };
        let mut tree = Tree::new(&self.nodes, limits);
        if !tree.has_text_keys(entries) {
            return Err(PickleError::NotADictionary);
        }
        tree.map(entries, 0)
    }
}

/// Makes a tree, and counts what it makes: a pickle of some hundred bytes can refer to the same list a billion times.
struct Tree<'g> {
    nodes: &'g [Node<'g>],
    values_left: usize,
    text_left: usize,
    max_depth: usize,
}

impl<'g> Tree<'g> {
    fn new(nodes: &'g [Node<'g>], limits: &PickleLimits) -> Self {
        Self {
            nodes,
            values_left: limits.values,
            text_left: limits.text,
            max_depth: limits.depth,
        }
    }

    fn value(&mut self, id: Id, depth: usize) -> Result<Value, PickleError> {
        self.values_left = less(self.values_left, 1, "values")?;
        match self.node(id) {
            Node::Scalar(value) => self.scalar(value),
            Node::Text(text) => self.text(text).map(Value::String),
            Node::Bytes(bytes) => {
                self.text_left = less(self.text_left, bytes.len(), "text")?;
                Ok(Special::Bytes(bytes.to_vec()).into_value())
            }
            Node::List(items) | Node::Tuple(items) => {
                self.check(depth)?;
                let items = items.iter().map(|item| self.value(*item, depth + 1));
                items.collect::<Result<_, _>>().map(Value::Array)
            }
            Node::Dict(entries) if self.has_text_keys(entries) => {
                self.map(entries, depth).map(Value::Object)
            }
            Node::Dict(entries) => {
                self.check(depth)?;
                let entries = entries.iter().map(|(key, value)| {
                    Ok((self.value(*key, depth + 1)?, self.value(*value, depth + 1)?))
                });
                let entries = entries.collect::<Result<_, PickleError>>()?;
                Ok(Special::Dict(entries).into_value())
            }
        }
    }

    fn map(
        &mut self,
        entries: &[(Id, Id)],
        depth: usize,
    ) -> Result<Map<String, Value>, PickleError> {
        self.check(depth)?;
        let mut map = Map::new();
        for (key, value) in entries {
            if let Node::Text(key) = self.node(*key) {
                let key = self.text(key)?;
                map.insert(key, self.value(*value, depth + 1)?);
            }
        }
        Ok(map)
    }

    fn text(&mut self, text: &str) -> Result<String, PickleError> {
        self.text_left = less(self.text_left, text.len(), "text")?;
        Ok(text.to_owned())
    }

    /// What JSON has no form for counts as the text that it is here.
    fn scalar(&mut self, value: &Value) -> Result<Value, PickleError> {
        self.text_left = less(self.text_left, text_in(value), "text")?;
        Ok(value.clone())
    }

    fn check(&self, depth: usize) -> Result<(), PickleError> {
        if depth >= self.max_depth {
            return Err(PickleError::TooMuch("depth"));
        }
        Ok(())
    }

    fn has_text_keys(&self, entries: &[(Id, Id)]) -> bool {
        entries
            .iter()
            .all(|(key, _)| matches!(self.node(*key), Node::Text(_)))
    }

    fn node(&self, id: Id) -> &'g Node<'g> {
        &self.nodes[id.0 as usize]
    }
}

/// How much text there is in a scalar.
fn text_in(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Object(special) => special.values().map(text_in).sum(),
        _ => 0,
    }
}

fn less(left: usize, taken: usize, what: &'static str) -> Result<usize, PickleError> {
    left.checked_sub(taken).ok_or(PickleError::TooMuch(what))
}
