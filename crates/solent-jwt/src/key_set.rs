//! Keys in JSON.

use std::sync::Arc;

use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;
use solent_spec::Chain;

use super::{Algorithm, Key, KeyError, algorithm::Family};

/// The keys of an issuer. Cheap to clone.
///
/// Read from a JSON Web Key Set (RFC 7517 §5), what issuers publish at their `jwks_uri`, or collected from single [keys](Key):
///
/// ```
/// # use solent_jwt::KeySet;
/// let keys = KeySet::parse(r#"{ "keys": [
///     { "kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
///     { "kty": "from the future", "kid": "b" }
/// ] }"#)?;
///
/// assert_eq!(keys.len(), 1);
/// # Ok::<(), solent_jwt::KeySetError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct KeySet(Arc<[Key]>);

/// A key set cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// It is no JSON object with a list of `keys`.
    #[error("not a JSON Web Key Set, it has no list of keys")]
    Malformed(#[source] serde_json::Error),

    /// It is larger than any real one, or has more keys.
    #[error("a key set may have {} KiB and {} keys", KeySet::MAX_LEN / 1024, KeySet::MAX_KEYS)]
    TooLarge,

    /// It has no key that verifies tokens.
    #[error("the key set has no key that verifies tokens")]
    Empty,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl KeySet {
    /// The longest document that is read, in bytes.
    pub const MAX_LEN: usize = 256 * 1024;

    /// The most keys a document may have.
    pub const MAX_KEYS: usize = 128;

    /// Reads a JSON Web Key Set. Keys of a kind that is unknown here, or that are for something else, are skipped, as RFC 7517 §5
    /// asks; an event tells their ids.
    ///
    /// A key is good for the algorithm that its `alg` names. One without is taken for what is usual: RS256 for RSA (see
    /// [`rsa_algorithm`](Self::rsa_algorithm)), ES256 or ES384 by its curve, EdDSA, HS256.
    ///
    /// # Errors
    ///
    /// What is no key set, is too large, or has no key of use.
    pub fn parse(json: impl AsRef<[u8]>) -> Result<Self, KeySetError> {
        let json = json.as_ref();
        if json.len() > Self::MAX_LEN {
            return Err(KeySetError::TooLarge);
        }
        let document: Document = serde_json::from_slice(json).map_err(KeySetError::Malformed)?;
        if document.keys.len() > Self::MAX_KEYS {
            return Err(KeySetError::TooLarge);
        }
        let keys: Arc<[Key]> = document.keys.into_iter().filter_map(usable).collect();
        if keys.is_empty() {
            return Err(KeySetError::Empty);
        }
        Ok(Self(keys))
    }

    /// Sets what RSA keys verify that do not say it themselves, such as [`Algorithm::Ps256`]. Other algorithms change nothing.
    #[must_use]
    pub fn rsa_algorithm(self, algorithm: Algorithm) -> Self {
        if algorithm.family() != Family::Rsa {
            return self;
        }
        let keys = self.0.iter().cloned().map(|key| key.assuming(algorithm));
        Self(keys.collect())
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.0.iter()
    }

    /// Whether a key has that name.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.0.iter().any(|key| key.id() == Some(id))
    }

    /// Whether a newer set could tell more of a key of that name: not if it is here, and not if keys have no names.
    pub(super) fn settles(&self, id: &str) -> bool {
        self.knows(id) || self.0.iter().all(|key| key.id().is_none())
    }

    /// The keys that a token may be signed with whose header names `id`: those of that name; else, and for a token without, keys
    /// that have no name or cannot be told apart by it. The token's algorithm has to be the key's.
    pub(super) fn candidates<'a>(
        &'a self,
        id: Option<&'a str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &'a Key> {
        /// What a token that names no key may cost.
        const MAX_TRIES: usize = 8;
        let known = id.is_some_and(|id| self.knows(id));
        self.0
            .iter()
            .filter(move |key| match id {
                Some(_) if known => key.id() == id,
                Some(_) => key.id().is_none(),
                None => true,
            })
            .filter(move |key| key.algorithm() == algorithm)
            .take(MAX_TRIES)
    }
}

impl FromIterator<Key> for KeySet {
    fn from_iter<T: IntoIterator<Item = Key>>(keys: T) -> Self {
        Self(keys.into_iter().collect())
    }
}

impl From<Key> for KeySet {
    fn from(key: Key) -> Self {
        Self::from_iter([key])
    }
}

impl std::str::FromStr for KeySet {
    type Err = KeySetError;

    fn from_str(json: &str) -> Result<Self, KeySetError> {
        Self::parse(json)
    }
}

fn usable(json: Value) -> Option<Key> {
    let id = json.get("kid").and_then(Value::as_str).map(str::to_owned);
    match read(json) {
        Ok(key) => Some(match id {
            Some(id) => key.with_id(id),
            None => key,
        }),
        Err(error) => {
            tracing::debug!(target: "solent::auth", kid = ?id, error = %Chain(&error), "key of a key set is skipped");
            None
        }
    }
}

fn read(json: Value) -> Result<Key, KeyError> {
    // Read apart: jsonwebtoken leaves the curve of a point to who uses the key.
    let named = match json.get("alg") {
        None => None,
        Some(Value::String(name)) => Some(Algorithm::of_name(name).ok_or(KeyError::Unsupported)?),
        Some(_) => return Err(KeyError::Malformed),
    };
    let jwk: Jwk = serde_json::from_value(json).map_err(|_| KeyError::Malformed)?;
    if !is_for_verifying(&jwk) {
        return Err(KeyError::Unsupported);
    }
    let usual = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::Rs256,
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => Algorithm::Es256,
            EllipticCurve::P384 => Algorithm::Es384,
            _ => return Err(KeyError::Unsupported),
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDsa
        }
        AlgorithmParameters::OctetKey(_) => Algorithm::Hs256,
        _ => return Err(KeyError::Unsupported),
    };
    let algorithm = named.unwrap_or(usual);
    if algorithm.family() != usual.family() {
        return Err(KeyError::Mismatch { algorithm });
    }
    let key = DecodingKey::from_jwk(&jwk).map_err(|_| KeyError::Malformed)?;
    Ok(Key::from_decoded(algorithm, &key)?.assumed(named.is_none()))
}

/// RFC 7517 §4.2 and §4.3.
fn is_for_verifying(jwk: &Jwk) -> bool {
    let signs = match &jwk.common.public_key_use {
        None => true,
        Some(purpose) => *purpose == PublicKeyUse::Signature,
    };
    let verifies = match &jwk.common.key_operations {
        None => true,
        Some(operations) => operations.contains(&KeyOperations::Verify),
    };
    signs && verifies
}
