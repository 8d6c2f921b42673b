//! One key that verifies signatures.

use std::{fmt, sync::Arc};

use jsonwebtoken::{DecodingKey, DecodingKeyKind};
use ring::{hmac, signature};

use super::{Algorithm, algorithm::Family, der::rsa_public_key};

/// A key that verifies tokens, for one algorithm only (RFC 8725 §3.1). Cheap to clone.
///
/// ```
/// # use solent_jwt::{Algorithm, Key};
/// let key = Key::secret(Algorithm::Hs256, b"at least as long as the hash it is for")?.with_id("2026-01");
/// # Ok::<(), solent_jwt::KeyError>(())
/// ```
#[derive(Clone)]
pub struct Key(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    /// The `kid` that tokens name it by.
    id: Option<Box<str>>,
    algorithm: Algorithm,
    /// Whether the algorithm is only what is usual for such a key, since the key set did not say.
    assumed: bool,
    material: Material,
}

/// What verification needs, checked to be of the right kind and size.
#[derive(Clone)]
enum Material {
    Secret(hmac::Key),
    Rsa {
        n: Box<[u8]>,
        e: Box<[u8]>,
    },
    /// An uncompressed point, or the bytes of an Ed25519 key.
    Point(Box<[u8]>),
}

/// A key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// No key can be read from it.
    #[error("not a public key, give SPKI or PKCS#1 in PEM, or a JSON Web Key")]
    Malformed,

    /// The key is of another kind than the algorithm needs.
    #[error("the key does not go with {algorithm}")]
    Mismatch {
        /// The algorithm it was to be used for.
        algorithm: Algorithm,
    },

    /// A secret that is shorter than the hash, which RFC 7518 §3.2 forbids.
    #[error("the secret is too short for {algorithm}, it needs {least} bytes")]
    ShortSecret {
        /// The algorithm it was to be used for.
        algorithm: Algorithm,
        /// The least number of bytes.
        least: usize,
    },

    /// An RSA key of fewer than 2048 bits or more than 8192.
    #[error("an RSA key has 2048 to 8192 bits, this one has {bits}")]
    RsaSize {
        /// The length of its modulus.
        bits: usize,
    },

    /// A kind of key, or a curve, that is not offered here, or a key for something else than signatures.
    #[error("the key is for something else than verifying tokens")]
    Unsupported,
}

impl Key {
    /// A secret that signs and verifies, for one of the HMAC algorithms.
    ///
    /// # Errors
    ///
    /// A secret that is shorter than the hash (RFC 7518 §3.2), or an algorithm for public keys.
    pub fn secret(algorithm: Algorithm, secret: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let (hash, least) = match algorithm {
            Algorithm::Hs256 => (hmac::HMAC_SHA256, 32),
            Algorithm::Hs384 => (hmac::HMAC_SHA384, 48),
            Algorithm::Hs512 => (hmac::HMAC_SHA512, 64),
            _ => return Err(KeyError::Mismatch { algorithm }),
        };
        let secret = secret.as_ref();
        if secret.len() < least {
            return Err(KeyError::ShortSecret { algorithm, least });
        }
        Ok(Self::new(
            algorithm,
            Material::Secret(hmac::Key::new(hash, secret)),
        ))
    }

    /// A public key, or the certificate it is in, as PEM, for one of the RSA or elliptic curve algorithms.
    ///
    /// # Errors
    ///
    /// Anything but a public key for `algorithm`.
    pub fn pem(algorithm: Algorithm, pem: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let pem = pem.as_ref();
        let read = match algorithm.family() {
            Family::Secret => return Err(KeyError::Mismatch { algorithm }),
            Family::Rsa => DecodingKey::from_rsa_pem(pem),
            Family::P256 | Family::P384 => DecodingKey::from_ec_pem(pem),
            Family::Ed25519 => DecodingKey::from_ed_pem(pem),
        };
        match read {
            Ok(key) => Self::from_decoded(algorithm, &key),
            Err(_) if is_other_key(pem) => Err(KeyError::Mismatch { algorithm }),
            Err(_) => Err(KeyError::Malformed),
        }
    }

    /// Names the key, as tokens do in their header's `kid`.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.0).id = Some(id.into().into());
        self
    }

    /// The name that tokens know it by.
    pub fn id(&self) -> Option<&str> {
        self.0.id.as_deref()
    }

    /// The one algorithm it verifies.
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// Whether `signature` is this key's for `message`. Takes the same time for every signature of its length.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.0.material {
            Material::Secret(key) => hmac::verify(key, message, signature).is_ok(),
            Material::Rsa { n, e } => match rsa_parameters(self.0.algorithm) {
                Some(parameters) => signature::RsaPublicKeyComponents { n, e }
                    .verify(parameters, message, signature)
                    .is_ok(),
                None => false,
            },
            Material::Point(point) => match point_algorithm(self.0.algorithm) {
                Some(algorithm) => signature::UnparsedPublicKey::new(algorithm, point)
                    .verify(message, signature)
                    .is_ok(),
                None => false,
            },
        }
    }

    /// The same key for another algorithm of RSA, if it had to be guessed.
    pub(super) fn assuming(mut self, algorithm: Algorithm) -> Self {
        if self.0.assumed && self.0.algorithm.family() == algorithm.family() {
            Arc::make_mut(&mut self.0).algorithm = algorithm;
        }
        self
    }

    pub(super) fn assumed(mut self, assumed: bool) -> Self {
        Arc::make_mut(&mut self.0).assumed = assumed;
        self
    }

    /// The key that `jsonwebtoken` has read, checked for what it leaves to the cryptography.
    pub(super) fn from_decoded(algorithm: Algorithm, key: &DecodingKey) -> Result<Self, KeyError> {
        let material = match (algorithm.family(), key.kind()) {
            (Family::Secret, DecodingKeyKind::SecretOrDer(secret)) => {
                return Self::secret(algorithm, secret);
            }
            (Family::Rsa, DecodingKeyKind::RsaModulusExponent { n, e }) => rsa(n, e)?,
            (Family::Rsa, DecodingKeyKind::SecretOrDer(der)) => {
                let (n, e) = rsa_public_key(der).ok_or(KeyError::Malformed)?;
                rsa(n, e)?
            }
            (Family::P256, DecodingKeyKind::SecretOrDer(point)) => curve(algorithm, point, 65)?,
            (Family::P384, DecodingKeyKind::SecretOrDer(point)) => curve(algorithm, point, 97)?,
            (Family::Ed25519, DecodingKeyKind::SecretOrDer(key)) if key.len() == 32 => {
                Material::Point(key.as_slice().into())
            }
            _ => return Err(KeyError::Mismatch { algorithm }),
        };
        Ok(Self::new(algorithm, material))
    }

    fn new(algorithm: Algorithm, material: Material) -> Self {
        Self(Arc::new(Inner {
            id: None,
            algorithm,
            assumed: false,
            material,
        }))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.0.id)
            .field("algorithm", &self.0.algorithm)
            .finish_non_exhaustive()
    }
}

fn rsa(n: &[u8], e: &[u8]) -> Result<Material, KeyError> {
    let (n, e) = (without_zeros(n), without_zeros(e));
    let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
    if !(2048..=8192).contains(&bits) {
        return Err(KeyError::RsaSize { bits });
    }
    if e.is_empty() || e.len() > 4 {
        return Err(KeyError::Malformed);
    }
    Ok(Material::Rsa {
        n: n.into(),
        e: e.into(),
    })
}

/// Some issuers write numbers with a sign byte, which RFC 7518 §6.3.1.1 tells readers to expect.
fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

fn curve(algorithm: Algorithm, point: &[u8], len: usize) -> Result<Material, KeyError> {
    if point.len() == len && point.first() == Some(&4) {
        Ok(Material::Point(point.into()))
    } else {
        Err(KeyError::Mismatch { algorithm })
    }
}

fn is_other_key(pem: &[u8]) -> bool {
    DecodingKey::from_rsa_pem(pem).is_ok()
        || DecodingKey::from_ec_pem(pem).is_ok()
        || DecodingKey::from_ed_pem(pem).is_ok()
}

fn rsa_parameters(algorithm: Algorithm) -> Option<&'static signature::RsaParameters> {
    Some(match algorithm {
        Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

fn point_algorithm(algorithm: Algorithm) -> Option<&'static dyn signature::VerificationAlgorithm> {
    Some(match algorithm {
        Algorithm::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
        Algorithm::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
        Algorithm::EdDsa => &signature::ED25519,
        _ => return None,
    })
}
