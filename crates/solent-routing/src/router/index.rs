//! Which routes can match a path at all.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use regex::{RegexSet, RegexSetBuilder, SetMatches};

use crate::pattern::{Pattern, Segment, Shape};

/// A tree over the segments of patterns.
///
/// A look-up walks down the path's segments and meets only routes that have the same literal segments, in the order in
/// which they were added, however many there are of others. Regular expressions without a literal beginning are the
/// exception; if there are many, one automaton tells which of them match.
#[derive(Debug)]
pub(super) struct Index {
    /// The root is the first.
    nodes: Vec<Node>,
    searched: Option<Searched>,
}

#[derive(Debug, Default)]
struct Node {
    /// Routes for paths that end here, in order.
    whole: Vec<usize>,
    /// Routes for paths that go on in any way, in order.
    open: Vec<usize>,
    /// Nodes by the next segment.
    literals: HashMap<Box<str>, usize, BuildHasherDefault<Fnv>>,
    /// The node for a next segment that the pattern itself has to look at.
    any: Option<usize>,
}

/// Regular expressions without a literal beginning.
#[derive(Debug)]
struct Searched {
    /// Their routes, in order.
    routes: Vec<usize>,
    set: RegexSet,
}

/// From how many regular expressions on they are tried together, which for ten takes a third of the time; a set costs
/// memory, though.
const MANY: usize = 8;

/// How much of the automaton a thread may keep, at least. The default of `regex`.
const CACHE_BYTES: usize = 2 << 20;

/// How much of it for each expression. If what paths make use of does not fit, every look-up builds it anew: among 1,000
/// expressions one took 120 µs with the default, and takes 0.7 µs with this.
const CACHE_BYTES_EACH: usize = 16 << 10;

impl Index {
    /// The index of patterns whose positions are the routes.
    pub(super) fn new<'a>(patterns: impl Iterator<Item = &'a Pattern>) -> Self {
        let mut index = Self {
            nodes: vec![Node::default()],
            searched: None,
        };
        let mut loose = Vec::new();
        for (route, pattern) in patterns.enumerate() {
            let shape = pattern.shape();
            match pattern.searched() {
                Some(regex) if shape.segments.is_empty() => loose.push((route, regex)),
                _ => index.add(shape, route),
            }
        }
        index.add_loose(&loose);
        index
    }

    /// Adds a route; routes come in order.
    fn add(&mut self, shape: Shape, route: usize) {
        let mut at = 0;
        for segment in shape.segments {
            let new = self.nodes.len();
            let node = &mut self.nodes[at];
            at = match segment {
                Segment::Literal(text) => *node.literals.entry(text.into()).or_insert(new),
                Segment::Any => *node.any.get_or_insert(new),
            };
            if at == new {
                self.nodes.push(Node::default());
            }
        }
        let node = &mut self.nodes[at];
        let routes = if shape.is_whole {
            &mut node.whole
        } else {
            &mut node.open
        };
        routes.push(route);
    }

    fn add_loose(&mut self, loose: &[(usize, &str)]) {
        let routes: Vec<_> = loose.iter().map(|(route, _)| *route).collect();
        if let Some(set) = set_of_many(loose) {
            self.searched = Some(Searched { routes, set });
        } else {
            let open = &mut self.nodes[0].open;
            open.extend(routes);
            open.sort_unstable();
        }
    }

    /// The routes that can match `path`, in order.
    pub(super) fn candidates<'a>(&'a self, path: &'a str) -> Candidates<'a> {
        Candidates {
            found: self
                .searched
                .as_ref()
                .map(|searched| searched.set.matches(path)),
            index: self,
            path,
            from: 0,
        }
    }

    /// The least route from `from` on at or below a node, or `least` if that is less. `rest` is the path from this node
    /// on, `None` where the path has ended.
    fn least(&self, node: usize, rest: Option<&str>, from: usize, mut least: usize) -> usize {
        let node = &self.nodes[node];
        least = least.min(first_from(&node.open, from));
        let Some(rest) = rest else {
            return least.min(first_from(&node.whole, from));
        };
        let (segment, rest) = match rest.split_once('/') {
            Some((segment, rest)) => (segment, Some(rest)),
            None => (rest, None),
        };
        let next = [node.literals.get(segment).copied(), node.any];
        for node in next.into_iter().flatten() {
            least = self.least(node, rest, from, least);
        }
        least
    }
}

/// One automaton for expressions, if there are many of them. Each compiles alone, but together they may exceed the limit
/// of what an automaton may hold.
fn set_of_many(loose: &[(usize, &str)]) -> Option<RegexSet> {
    if loose.len() < MANY {
        return None;
    }
    RegexSetBuilder::new(loose.iter().map(|(_, regex)| regex))
        .dfa_size_limit(CACHE_BYTES.max(loose.len() * CACHE_BYTES_EACH))
        .build()
        .ok()
}

/// FNV-1a. Only an application's own patterns are ever in a table, so that no client can fill it with collisions, and for
/// short segments it is faster than the default.
#[derive(Debug)]
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// No route.
const NONE: usize = usize::MAX;

fn first_from(routes: &[usize], from: usize) -> usize {
    let at = routes.partition_point(|route| *route < from);
    routes.get(at).copied().unwrap_or(NONE)
}

/// An iterator over the routes that can match. It walks the tree anew for each of them, which allocates nothing; the
/// first is nearly always the last.
pub(super) struct Candidates<'a> {
    index: &'a Index,
    path: &'a str,
    /// Which of the loose regular expressions match.
    found: Option<SetMatches>,
    from: usize,
}

impl Candidates<'_> {
    /// The least route from `from` on among loose regular expressions.
    fn least_searched(&self) -> Option<usize> {
        let searched = self.index.searched.as_ref()?;
        let found = self.found.as_ref()?;
        let start = searched.routes.partition_point(|route| *route < self.from);
        (start..searched.routes.len())
            .find(|at| found.matched(*at))
            .map(|at| searched.routes[at])
    }
}

impl Iterator for Candidates<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let least = self.least_searched().unwrap_or(NONE);
        let route = self.index.least(0, Some(self.path), self.from, least);
        self.from = route.saturating_add(1);
        (route != NONE).then_some(route)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::Extent;

    fn whole(source: &str) -> Pattern {
        Pattern::path(source, &HashMap::new(), Extent::Whole).unwrap()
    }

    fn prefix(source: &str) -> Pattern {
        Pattern::path(source, &HashMap::new(), Extent::Prefix).unwrap()
    }

    fn regex(source: &str) -> Pattern {
        Pattern::regex(source, Extent::Whole).unwrap()
    }

    fn candidates(patterns: &[Pattern], path: &str) -> Vec<usize> {
        Index::new(patterns.iter()).candidates(path).collect()
    }

    /// How many patterns are tried for `path` among `count` of a kind.
    fn tried(count: usize, path: &str, pattern: impl Fn(usize) -> Pattern) -> usize {
        let patterns: Vec<_> = (0..count).map(pattern).collect();
        candidates(&patterns, path).len()
    }

    #[test]
    fn one_pattern_is_tried_however_many_there_are() {
        for count in [10, 1_000] {
            assert_eq!(tried(count, "page7/", |n| whole(&format!("page{n}/"))), 1);
            assert_eq!(
                tried(count, "a/x/r7/", |n| whole(&format!("a/<s>/r{n}/"))),
                1
            );
            assert_eq!(tried(count, "r7/in/", |n| prefix(&format!("r{n}/"))), 1);
            assert_eq!(
                tried(count, "r7/5", |n| regex(&format!(r"^r{n}/(\d+)$"))),
                1
            );
            assert_eq!(tried(count, "r7/5", |n| regex(&format!(r"r{n}/(\d+)$"))), 1);
            assert_eq!(tried(count, "x/r7/", |n| regex(&format!(r"r{n}/"))), 1);
            assert_eq!(tried(count, "none/", |n| whole(&format!("page{n}/"))), 0);
        }
    }

    #[test]
    fn candidates_keep_the_order_of_routes() {
        let patterns = [
            regex("b"),
            whole("a/b/c"),
            whole("<x>/b/<y>"),
            prefix("a/"),
            whole("a/b/d"),
            prefix(""),
            whole("a/<path:p>"),
            regex("^a/"),
            whole("a/b"),
            whole("a/<x>/c"),
        ];

        assert_eq!(candidates(&patterns, "a/b/c"), [0, 1, 2, 3, 5, 6, 7, 9]);
        assert_eq!(candidates(&patterns, "a/b"), [0, 3, 5, 6, 7, 8]);
        assert_eq!(candidates(&patterns, ""), [0, 5]);
    }

    #[test]
    fn loose_expressions_keep_their_place_in_a_set() {
        let mut patterns: Vec<_> = (0..MANY).map(|n| regex(&format!("x{n}"))).collect();
        patterns.insert(3, whole("x2/x6/x4"));

        assert_eq!(candidates(&patterns, "x2/x6/x4"), [2, 3, 5, 7]);
    }
}
