//! Why something signed was not believed.

/// A signed text is not to be believed, or cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// There is no signature, or none of the secret keys made it for this value and salt.
    #[error(
        "signature does not match: compare the secret keys and the salt with those of the Django project"
    )]
    Bad,

    /// The signature is right, but older than was asked for.
    #[error("signature is too old: have the value signed anew")]
    Expired,

    /// The signature is right, but what was signed is not what [`dumps`](super::dumps) writes. The cause is not to be relied
    /// on.
    #[error("signed content cannot be decoded: read it as it was written, and not as an object")]
    Undecodable(#[source] solent_spec::BoxError),

    /// The signature is right, but the content takes more than [`MAX_CONTENT`](super::MAX_CONTENT) bytes.
    #[error("signed content is too large: keep less in it")]
    TooLarge,
}
