//! Salts, as Django makes them.

use rand::distr::{Alphanumeric, SampleString};

/// Bits that a letter or digit has.
const BITS_PER_CHARACTER: f64 = 5.954_196_310_386_875;

/// Bits that Django wants a salt to have.
const BITS: f64 = 128.0;

/// A new salt of 22 letters and digits, which are at least 128 bits.
pub(super) fn new() -> String {
    random(22)
}

/// So many random letters and digits.
pub(super) fn random(length: usize) -> String {
    Alphanumeric.sample_string(&mut rand::rng(), length)
}

/// Whether Django would make a new one, since this has too little in it.
pub(super) fn is_too_short(characters: usize) -> bool {
    (characters as f64) * BITS_PER_CHARACTER < BITS
}
