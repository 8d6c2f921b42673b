//! How tokens are signed.

use std::fmt;

use jsonwebtoken::Algorithm as Wire;

/// An algorithm that a JSON Web Token may be signed with (RFC 7518 §3.1, RFC 8037 §3.1).
///
/// There is no `none`, and there never will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// ECDSA with P-384 and SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

/// The kinds of key there are; an algorithm goes with one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Secret,
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl Algorithm {
    /// The name that stands in a token's header: `"RS256"`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    pub(super) const fn family(self) -> Family {
        match self {
            Self::Hs256 | Self::Hs384 | Self::Hs512 => Family::Secret,
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => {
                Family::Rsa
            }
            Self::Es256 => Family::P256,
            Self::Es384 => Family::P384,
            Self::EdDsa => Family::Ed25519,
        }
    }

    /// The algorithm that a header or a key names; `None` for one that is not offered here.
    pub(super) fn of_wire(wire: Wire) -> Option<Self> {
        Some(match wire {
            Wire::HS256 => Self::Hs256,
            Wire::HS384 => Self::Hs384,
            Wire::HS512 => Self::Hs512,
            Wire::RS256 => Self::Rs256,
            Wire::RS384 => Self::Rs384,
            Wire::RS512 => Self::Rs512,
            Wire::PS256 => Self::Ps256,
            Wire::PS384 => Self::Ps384,
            Wire::PS512 => Self::Ps512,
            Wire::ES256 => Self::Es256,
            Wire::ES384 => Self::Es384,
            Wire::EdDSA => Self::EdDsa,
            _ => return None,
        })
    }

    /// The algorithm of that name.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        name.parse().ok().and_then(Self::of_wire)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_but_those_of_the_algorithms_is_one() {
        for name in [
            "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
            "ES256", "ES384", "EdDSA",
        ] {
            assert_eq!(Algorithm::of_name(name).unwrap().name(), name);
        }
        for name in [
            "none", "None", "NONE", "nOnE", "", "hs256", "ES512", "RSA-OAEP", "HS256 ",
        ] {
            assert_eq!(Algorithm::of_name(name), None, "{name}");
        }
    }
}
