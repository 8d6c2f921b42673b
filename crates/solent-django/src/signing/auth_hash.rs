//! The hash that ties a session to its user's password.

use solent_auth::HashCheck;
use subtle::ConstantTimeEq;

use super::{SecretKeys, SigningAlgorithm, hex, salted_hmac};

const KEY_SALT: &str = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash";

/// What Django keeps in a session under `_auth_user_hash`: 64 hexadecimal digits that change with the password.
///
/// `password_column` is the whole column, as `pbkdf2_sha256$…`, also of an unusable password.
#[must_use]
pub fn auth_hash(password_column: &str, keys: &SecretKeys) -> String {
    hash_with(password_column, keys.current())
}

/// Compares the hash `stored` in a session with that of the password a user has now, in constant time for each key.
#[must_use]
pub fn check_auth_hash(password_column: &str, keys: &SecretKeys, stored: &str) -> HashCheck {
    let is_of = |key: &[u8]| -> bool {
        let expected = hash_with(password_column, key);
        expected.as_bytes().ct_eq(stored.as_bytes()).into()
    };
    if is_of(keys.current()) {
        HashCheck::Current
    } else if keys.former().any(is_of) {
        HashCheck::Former
    } else {
        HashCheck::Wrong
    }
}

fn hash_with(password_column: &str, key: &[u8]) -> String {
    let column = password_column.as_bytes();
    hex(&salted_hmac(
        KEY_SALT,
        column,
        key,
        SigningAlgorithm::Sha256,
    ))
}
