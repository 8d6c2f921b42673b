//! Tokens that Python made, and tokens that somebody tampered with.

use serde::Deserialize;

use super::*;

const NOW: u64 = 1_700_000_000;

#[derive(Deserialize)]
struct Vectors {
    fernet: Fernet,
}

#[derive(Deserialize)]
struct Fernet {
    keys: Vec<Derived>,
    fixed_token: Vec<Fixed>,
    live_tokens: Vec<Live>,
    rotation: Vec<Rotation>,
}

#[derive(Deserialize)]
struct Derived {
    configured_key: String,
    signing_key_hex: String,
    aes128_key_hex: String,
}

#[derive(Deserialize)]
struct Fixed {
    configured_key: String,
    timestamp: u64,
    iv_hex: String,
    plaintext_hex: String,
    token_ascii: String,
    token_decoded_hex: String,
}

#[derive(Deserialize)]
struct Live {
    configured_keys: Vec<String>,
    token_ascii: String,
}

#[derive(Deserialize)]
struct Rotation {
    keys: Vec<String>,
    token_ascii: String,
    decrypts: bool,
}

fn vectors() -> Fernet {
    let vectors: Vectors =
        serde_json::from_str(include_str!("../../../tests/data/channels_redis.json")).unwrap();
    vectors.fernet
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn cipher(keys: &[&str], max_age: Option<u64>) -> Cipher {
    Cipher::new(keys, max_age.map(Duration::from_secs)).unwrap()
}

fn token(cipher: &Cipher, body: &[u8], time: u64) -> Vec<u8> {
    let mut token = Vec::new();
    cipher.encrypt(body, at(time), &mut token);
    token
}

#[test]
fn keys_are_derived_as_python_derives_them() {
    for row in vectors().keys {
        let key = Key::new(row.configured_key.as_bytes());
        let bytes = |hex: &str| -> Vec<u8> {
            let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
            (0..hex.len()).step_by(2).map(byte).collect()
        };
        let mac = Hmac::<Sha256>::new_from_slice(&bytes(&row.signing_key_hex)).unwrap();
        assert!(mac.chain_update(b"x").finalize() == key.mac(b"x").finalize());
        let encryption: [u8; 16] = bytes(&row.aes128_key_hex).try_into().unwrap();
        let mut blocks = [aes::Block::default(); 2];
        use aes::cipher::BlockCipherEncrypt;
        Aes128Enc::new(&encryption.into()).encrypt_block(&mut blocks[0]);
        key.encrypting.encrypt_block(&mut blocks[1]);
        assert_eq!(blocks[0], blocks[1]);
    }
}

#[test]
fn tokens_are_those_of_python_to_the_byte() {
    for row in vectors().fixed_token {
        let key = Key::new(row.configured_key.as_bytes());
        let iv = u128::from_str_radix(&row.iv_hex, 16).unwrap().to_be_bytes();
        let cipher = cipher(&[&row.configured_key], Some(70));
        let body = cipher
            .decrypt(row.token_ascii.as_bytes(), at(row.timestamp))
            .unwrap();

        assert_eq!(hex(&body), row.plaintext_hex);
        let token = key.token(&body, row.timestamp, iv);
        assert_eq!(hex(&token), row.token_decoded_hex);
        assert_eq!(URL_SAFE.encode(token), row.token_ascii);
    }
}

#[test]
fn tokens_of_python_are_read() {
    let vectors = vectors();
    for row in vectors.live_tokens {
        let cipher = Cipher::new(&row.configured_keys, None).unwrap();
        assert!(cipher.decrypt(row.token_ascii.as_bytes(), at(NOW)).is_ok());
    }
    for row in vectors.rotation {
        let cipher = Cipher::new(&row.keys, None).unwrap();
        let read = cipher.decrypt(row.token_ascii.as_bytes(), at(NOW));
        assert_eq!(read.is_ok(), row.decrypts);
    }
}

#[test]
fn first_key_encrypts_and_every_key_decrypts() {
    let (old, new) = (cipher(&["old"], None), cipher(&["new"], None));
    let between = cipher(&["new", "old"], None);

    let by_old = token(&old, b"hi", NOW);
    let by_both = token(&between, b"hi", NOW);

    assert_eq!(between.decrypt(&by_old, at(NOW)).unwrap(), "hi");
    assert_eq!(new.decrypt(&by_both, at(NOW)).unwrap(), "hi");
    assert_eq!(
        old.decrypt(&by_both, at(NOW)),
        Err(CipherError::Authenticity)
    );
    assert_eq!(
        new.decrypt(&by_old, at(NOW)),
        Err(CipherError::Authenticity)
    );
    assert!(Cipher::new::<&str>([], None).is_none());
}

#[test]
fn every_byte_of_a_token_counts() {
    let cipher = cipher(&["other", "key"], None);
    let good = URL_SAFE.decode(token(&cipher, b"a message", NOW)).unwrap();
    for at_byte in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at_byte] ^= 1 << bit;
            let read = cipher.decrypt(URL_SAFE.encode(bad).as_bytes(), at(NOW));
            assert!(read.is_err(), "bit {bit} of byte {at_byte}");
        }
    }
    for len in 0..good.len() {
        let read = cipher.decrypt(URL_SAFE.encode(&good[..len]).as_bytes(), at(NOW));
        assert!(read.is_err(), "{len} bytes");
    }
}

#[test]
fn every_character_of_a_token_counts() {
    let cipher = cipher(&["key"], None);
    let good = token(&cipher, b"a message", NOW);
    assert!(good.starts_with(b"gAAAAA"));
    for at_char in 0..good.len() {
        for other in [b'A', b'_', b'=', b'+', b' ', 0, 0xff] {
            let mut bad = good.clone();
            if bad[at_char] != other {
                bad[at_char] = other;
                assert!(
                    cipher.decrypt(&bad, at(NOW)).is_err(),
                    "{other} at {at_char}"
                );
            }
        }
        assert!(cipher.decrypt(&good[..at_char], at(NOW)).is_err());
    }
}

#[test]
fn age_has_a_limit_in_the_queue_only() {
    let queue = cipher(&["key"], Some(70));
    let topic = cipher(&["key"], None);
    let token = token(&queue, b"hi", NOW);
    for (now, result) in [
        (NOW, Ok(())),
        (NOW + 69, Ok(())),
        (NOW + 70, Ok(())),
        (NOW + 71, Err(CipherError::Expired)),
        (NOW + 75, Err(CipherError::Expired)),
        (NOW - 60, Ok(())),
        (NOW - 61, Err(CipherError::Future)),
        (NOW - 75, Err(CipherError::Future)),
        (0, Err(CipherError::Future)),
        (u32::MAX.into(), Err(CipherError::Expired)),
    ] {
        assert_eq!(queue.decrypt(&token, at(now)).map(drop), result, "{now}");
        assert!(topic.decrypt(&token, at(now)).is_ok(), "{now}");
    }
}

#[test]
fn time_at_the_end_of_numbers_is_in_the_future() {
    let cipher = cipher(&["key"], Some(70));
    let token = URL_SAFE.encode(cipher.first.token(b"hi", u64::MAX, [0; BLOCK]));

    let read = cipher.decrypt(token.as_bytes(), at(NOW));

    assert_eq!(read, Err(CipherError::Future));
}

#[test]
fn body_of_any_length_survives() {
    let cipher = cipher(&["key"], None);
    for len in 0..100 {
        let body = vec![b'x'; len];
        let token = token(&cipher, &body, NOW);
        assert_eq!(cipher.decrypt(&token, at(NOW)).unwrap(), body, "{len}");
    }
}

#[test]
fn keys_are_not_shown() {
    let shown = format!("{:?}", cipher(&["a-test-key", "older-key"], Some(70)));

    assert_eq!(shown, "Cipher { keys: 2, max_age: Some(70s) }");
}
