//! The decoded path and how far routers have come in it.

use percent_encoding::percent_decode_str;

/// A request path, percent-decoded once, and the part of it that is still to be routed.
///
/// Routers that nest take turns: each matches a prefix of [`rest`](Self::rest) and [advances](Self::advance).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    decoded: Box<str>,
    /// Bytes of `decoded` that outer routers have matched. Always on a character boundary.
    matched: u32,
}

/// The path is not UTF-8 once it is percent-decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("request path is not valid UTF-8 after percent-decoding")]
pub struct PathError;

impl Path {
    /// Decodes a path as it was sent, without its query.
    ///
    /// # Errors
    ///
    /// [`PathError`] when the result is no text; servers answer it with 400.
    pub fn decode(raw: &str) -> Result<Self, PathError> {
        let decoded = percent_decode_str(raw)
            .decode_utf8()
            .map_err(|_| PathError)?;
        Ok(Self {
            decoded: decoded.into(),
            matched: 0,
        })
    }

    /// The whole path, decoded.
    pub fn decoded(&self) -> &str {
        &self.decoded
    }

    /// What no router has matched yet.
    pub fn rest(&self) -> &str {
        self.decoded
            .get(self.matched as usize..)
            .unwrap_or_default()
    }

    /// How many bytes of the path have been matched.
    pub fn matched(&self) -> usize {
        self.matched as usize
    }

    /// Marks `len` more bytes of the rest as matched, at most all of it. A length inside a character is rounded down.
    pub fn advance(&mut self, len: usize) {
        let rest = self.rest();
        self.matched += rest.floor_boundary(len) as u32;
    }

    /// Goes back to an earlier value of [`matched`](Self::matched), as a router does when an inner one found no route.
    pub fn rewind(&mut self, matched: usize) {
        self.matched = self.decoded.floor_boundary(matched) as u32;
    }
}

trait FloorBoundary {
    /// The greatest character boundary at or before `len`.
    fn floor_boundary(&self, len: usize) -> usize;
}

impl FloorBoundary for str {
    fn floor_boundary(&self, len: usize) -> usize {
        (0..=len.min(self.len()))
            .rev()
            .find(|at| self.is_char_boundary(*at))
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_decoded_once() {
        assert_eq!(
            Path::decode("/foo%2Fbar%2520").unwrap().decoded(),
            "/foo/bar%20"
        );
        assert_eq!(Path::decode("/%E4%B8%AD").unwrap().decoded(), "/中");
        assert_eq!(Path::decode("/%FF"), Err(PathError));
    }

    #[test]
    fn routers_advance_on_characters_and_rewind() {
        let mut path = Path::decode("/中/x").unwrap();

        path.advance(2);
        assert_eq!(path.rest(), "中/x");
        path.advance(100);
        assert_eq!(path.rest(), "");
        path.rewind(4);
        assert_eq!(path.rest(), "/x");
    }
}
