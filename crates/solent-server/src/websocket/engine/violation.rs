//! How a peer can break the rules.

use solent_spec::websocket::{Close, CloseCode};

/// A peer broke a rule; the connection has to be closed with this code and reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) code: CloseCode,
    pub(crate) reason: &'static str,
}

impl Violation {
    pub(crate) const fn protocol(reason: &'static str) -> Self {
        Self {
            code: CloseCode::PROTOCOL_ERROR,
            reason,
        }
    }

    pub(crate) const NOT_UTF8: Self = Self {
        code: CloseCode::INVALID_DATA,
        reason: "text is not valid UTF-8",
    };

    pub(crate) const NOT_DEFLATE: Self = Self {
        code: CloseCode::INVALID_DATA,
        reason: "compressed data is not valid DEFLATE",
    };

    pub(crate) const TOO_MANY_FRAMES: Self = Self {
        code: CloseCode::POLICY,
        reason: "too many control frames or tiny fragments",
    };

    pub(crate) const TOO_MANY_STREAMS: Self = Self {
        code: CloseCode::POLICY,
        reason: "compressed message is made of too many streams",
    };

    pub(crate) const FRAME_TOO_BIG: Self = Self {
        code: CloseCode::TOO_BIG,
        reason: "frame is larger than the server's limit",
    };

    pub(crate) const MESSAGE_TOO_BIG: Self = Self {
        code: CloseCode::TOO_BIG,
        reason: "message is larger than the server's limit",
    };
}

impl From<Violation> for Close {
    fn from(violation: Violation) -> Self {
        Self::new(violation.code, violation.reason)
    }
}
