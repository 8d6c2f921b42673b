//! Which algorithm made what is in a column.

/// A way to hash passwords that Django has, or had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// PBKDF2 with HMAC-SHA256, which Django prefers.
    Pbkdf2Sha256,
    /// PBKDF2 with HMAC-SHA1.
    Pbkdf2Sha1,
    /// Argon2, in the varieties id, i and d.
    Argon2,
    /// bcrypt of the SHA-256 of the password.
    BcryptSha256,
    /// bcrypt of the first 72 bytes of the password. Django believes it only where it is asked to.
    Bcrypt,
    /// scrypt.
    Scrypt,
    /// MD5 of salt and password, as test suites use it for its speed.
    Md5,
    /// MD5 of the password alone, from before Django 1.4. The column as good as shows the password.
    UnsaltedMd5,
    /// SHA-1 of the password alone, from before Django 1.4. The column as good as shows the password.
    UnsaltedSha1,
}

impl Algorithm {
    /// The name that Django has for it, which most columns begin with.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pbkdf2Sha256 => "pbkdf2_sha256",
            Self::Pbkdf2Sha1 => "pbkdf2_sha1",
            Self::Argon2 => "argon2",
            Self::BcryptSha256 => "bcrypt_sha256",
            Self::Bcrypt => "bcrypt",
            Self::Scrypt => "scrypt",
            Self::Md5 => "md5",
            Self::UnsaltedMd5 => "unsalted_md5",
            Self::UnsaltedSha1 => "unsalted_sha1",
        }
    }

    /// The algorithm that made `encoded`, by what it looks like.
    pub(super) fn of(encoded: &str) -> Option<Self> {
        let is_md5 = match encoded.strip_prefix("md5$$") {
            Some(digest) => digest.len() == 32,
            None => encoded.len() == 32 && !encoded.contains('$'),
        };
        if is_md5 {
            return Some(Self::UnsaltedMd5);
        }
        if encoded.len() == 46 && encoded.starts_with("sha1$$") {
            return Some(Self::UnsaltedSha1);
        }
        let (name, _) = encoded.split_once('$')?;
        let named = [
            Self::Pbkdf2Sha256,
            Self::Pbkdf2Sha1,
            Self::Argon2,
            Self::BcryptSha256,
            Self::Bcrypt,
            Self::Scrypt,
            Self::Md5,
        ];
        named.into_iter().find(|algorithm| algorithm.name() == name)
    }
}
