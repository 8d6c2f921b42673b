//! The numbers of an RSA key in DER.

/// Modulus and exponent of a PKCS#1 `RSAPublicKey` (RFC 8017 §A.1.1); `None` for anything else.
pub(super) fn rsa_public_key(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (fields, rest) = element(der, 0x30)?;
    let (n, fields) = element(fields, 0x02)?;
    let (e, fields) = element(fields, 0x02)?;
    (rest.is_empty() && fields.is_empty()).then_some((n, e))
}

/// The contents of the element with `tag` that `der` begins with, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, der) = der.split_first()?;
    let (&first, der) = der.split_first()?;
    let (len, der) = match first {
        0..=0x7f => (usize::from(first), der),
        0x81 => {
            let (&len, der) = der.split_first()?;
            (usize::from(len), der)
        }
        0x82 => {
            let (len, der) = der.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*len)), der)
        }
        _ => return None,
    };
    if found != tag {
        return None;
    }
    der.split_at_checked(len)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_found() {
        let der = [0x30, 7, 2, 2, 0, 0x8f, 2, 1, 3];
        assert_eq!(rsa_public_key(&der), Some((&[0, 0x8f][..], &[3][..])));
        for end in 0..der.len() {
            assert_eq!(rsa_public_key(&der[..end]), None);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(der: Vec<u8>) {
            let _ = rsa_public_key(&der);
        }
    }
}
