//! Choices that several settings share.

/// When a browser sends a cookie along with requests that another site's page makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "RFC 6265bis knows three")]
pub enum SameSite {
    /// Never.
    Strict,
    /// Only when the user follows a link. Keeps other sites' pages from acting in a user's name.
    #[default]
    Lax,
    /// Always. Browsers only take this together with `Secure`.
    None,
}

impl SameSite {
    /// The attribute's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

/// Whether browsers send a cookie over encrypted connections only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth answer")]
pub enum Secure {
    /// If it was set over one.
    #[default]
    Auto,
    /// Yes, as behind a proxy that speaks TLS and is not trusted to say so.
    Always,
    /// No.
    Never,
}

impl Secure {
    /// The answer for a connection that is encrypted, or is not.
    pub(crate) fn on(self, encrypted: bool) -> bool {
        match self {
            Self::Auto => encrypted,
            Self::Always => true,
            Self::Never => false,
        }
    }
}
