//! Close codes and reasons.

use std::fmt;

use tungstenite::Utf8Bytes;

/// Why a WebSocket ends: RFC 6455 §7.1.5 and §7.1.6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// The code; [`CloseCode::NO_STATUS`] where the peer's close frame had none.
    pub code: CloseCode,
    /// The reason, at most 123 bytes; often empty.
    pub reason: Utf8Bytes,
}

impl Close {
    /// A close with a code and a reason.
    ///
    /// A reason of more than 123 bytes does not fit into a close frame and is cut at a character boundary.
    pub fn new(code: CloseCode, reason: &str) -> Self {
        let end = (0..=reason.len().min(Self::MAX_REASON))
            .rev()
            .find(|at| reason.is_char_boundary(*at));
        Self {
            code,
            reason: reason[..end.unwrap_or(0)].into(),
        }
    }

    /// The longest reason that fits into a close frame, in bytes of UTF-8 (RFC 6455 §5.5).
    pub const MAX_REASON: usize = 123;
}

impl From<CloseCode> for Close {
    fn from(code: CloseCode) -> Self {
        Self {
            code,
            reason: Utf8Bytes::default(),
        }
    }
}

impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason.as_str() {
            "" => self.code.fmt(f),
            reason => write!(f, "{} {reason}", self.code),
        }
    }
}

/// A close code: RFC 6455 §7.4 and the IANA registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(u16);

impl CloseCode {
    /// The purpose is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// The endpoint goes away: a server that shuts down, a page that is left.
    pub const GOING_AWAY: Self = Self(1001);
    /// A violation of the WebSocket protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// A type of data that cannot be accepted, such as binary where text is wanted.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// The peer's close frame had no code. Never on the wire.
    pub const NO_STATUS: Self = Self(1005);
    /// The connection ended without a close frame. Never on the wire.
    pub const ABNORMAL: Self = Self(1006);
    /// Data that does not fit its type, such as text that is not UTF-8.
    pub const INVALID_DATA: Self = Self(1007);
    /// A violation of the application's policy.
    pub const POLICY: Self = Self(1008);
    /// A message that is too big to process.
    pub const TOO_BIG: Self = Self(1009);
    /// An unexpected condition, such as an application that failed.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// The service restarts; a client may come back.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// The service is overloaded, or this client too slow for it.
    pub const TRY_AGAIN_LATER: Self = Self(1013);

    /// A code that was received, or one of those that only stand in for a missing code.
    pub const fn from_u16(code: u16) -> Self {
        Self(code)
    }

    /// A code that may be sent: 1000–1003, 1007–1014 and 3000–4999.
    ///
    /// # Errors
    ///
    /// [`IllegalCloseCode`] for every other one.
    pub const fn sendable(code: u16) -> Result<Self, IllegalCloseCode> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Ok(Self(code)),
            _ => Err(IllegalCloseCode(code)),
        }
    }

    /// Whether the code may stand in a close frame.
    pub const fn is_sendable(self) -> bool {
        Self::sendable(self.0).is_ok()
    }

    /// The number.
    pub const fn as_u16(self) -> u16 {
        self.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The close code may not be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("close code {0} may not be sent, use 1000-1003, 1007-1014 or 3000-4999")]
pub struct IllegalCloseCode(u16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_codes_are_not_sendable() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] {
            assert_eq!(CloseCode::sendable(code), Err(IllegalCloseCode(code)));
        }
        for code in [1000, 1003, 1007, 1014, 3000, 4999] {
            assert!(CloseCode::from_u16(code).is_sendable(), "{code}");
        }
    }

    #[test]
    fn long_reason_is_cut_on_a_character() {
        let close = Close::new(CloseCode::NORMAL, &"é".repeat(100));

        assert_eq!(close.reason.len(), 122);
    }
}
