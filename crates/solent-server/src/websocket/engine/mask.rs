//! Masking: RFC 6455 §5.3.

/// Takes the mask off `payload`, which begins `phase` bytes into the frame's payload.
pub(super) fn unmask(payload: &mut [u8], mask: [u8; 4], phase: usize) {
    let mut key = mask;
    key.rotate_left(phase % 4);
    let word = u64::from_ne_bytes([
        key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3],
    ]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for chunk in words {
        *chunk = (u64::from_ne_bytes(*chunk) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn mask_is_taken_off_in_any_pieces(payload: Vec<u8>, mask: [u8; 4], cut: prop::sample::Index) {
            let expected: Vec<u8> = payload.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m).collect();
            let mut actual = payload.clone();
            let cut = cut.index(actual.len() + 1);

            let (first, second) = actual.split_at_mut(cut);
            unmask(first, mask, 0);
            unmask(second, mask, cut);

            prop_assert_eq!(actual, expected);
        }
    }
}
