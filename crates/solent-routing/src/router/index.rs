//! Which routes can match a path at all.

use std::collections::HashMap;

/// A tree over the literal beginnings of patterns, segment by segment.
///
/// A look-up walks down the path's segments and meets only routes whose literal segments are those of the path, in the
/// order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Index {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    /// Routes whose literal segments end here, in order.
    routes: Vec<usize>,
    /// By the next segment, with its slash.
    children: HashMap<Box<str>, Node>,
}

impl Index {
    /// Adds a route whose matches all begin with `prefix`. Routes are added in order.
    pub(crate) fn add(&mut self, prefix: &str, route: usize) {
        let mut node = &mut self.root;
        let mut rest = prefix;
        while let Some((segment, after)) = split_segment(rest) {
            node = node.children.entry(segment.into()).or_default();
            rest = after;
        }
        node.routes.push(route);
    }

    /// The routes that can match `path`, in order.
    pub(crate) fn candidates<'a>(&'a self, path: &str) -> impl Iterator<Item = usize> + 'a {
        let mut lists = Vec::new();
        let (mut node, mut rest) = (Some(&self.root), path);
        while let Some(here) = node {
            if !here.routes.is_empty() {
                lists.push(&*here.routes);
            }
            node = split_segment(rest).and_then(|(segment, after)| {
                rest = after;
                here.children.get(segment)
            });
        }
        Merge { lists }
    }
}

/// The first segment with its slash, and what follows.
fn split_segment(path: &str) -> Option<(&str, &str)> {
    path.find('/').map(|slash| path.split_at(slash + 1))
}

/// Merges ordered lists.
struct Merge<'a> {
    lists: Vec<&'a [usize]>,
}

impl Iterator for Merge<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let least = self
            .lists
            .iter_mut()
            .filter(|list| !list.is_empty())
            .min_by_key(|list| list[0])?;
        let (first, rest) = least.split_first()?;
        *least = rest;
        Some(*first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_do_not_grow_with_other_routes() {
        let mut index = Index::default();
        for route in 0..1_000 {
            index.add(&format!("app{}/page{route}/", route % 7), route);
        }
        index.add("app3/", 1_000);
        index.add("", 1_001);

        assert_eq!(
            index.candidates("app3/page10/x").collect::<Vec<_>>(),
            [10, 1_000, 1_001]
        );
        assert_eq!(index.candidates("other/").collect::<Vec<_>>(), [1_001]);
    }

    #[test]
    fn candidates_keep_the_order_of_routes() {
        let mut index = Index::default();
        for (route, prefix) in ["", "a/", "a/b/", "", "a/", "a/b"].into_iter().enumerate() {
            index.add(prefix, route);
        }

        assert_eq!(
            index.candidates("a/b/c").collect::<Vec<_>>(),
            [0, 1, 2, 3, 4, 5]
        );
    }
}
