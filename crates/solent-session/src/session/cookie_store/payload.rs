//! What is sealed in a cookie: a byte for the form, the time of expiry, and the values as JSON.

use std::{
    io::{self, Read as _, Write as _},
    time::{Duration, SystemTime},
};

use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};

use super::SessionData;

/// The values are as they are.
const PLAIN: u8 = 0;
/// The values are compressed with zlib.
const COMPRESSED: u8 = 1;

/// How large values may be that were compressed, in bytes. A cookie of 4 KiB can hold 4 MB of zeros.
const MAX_SIZE: u64 = 64 * 1024;

pub(super) fn write(data: &SessionData, expires: SystemTime) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(data)?;
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&json)?;
    let compressed = encoder.finish()?;
    let worth = compressed.len() < json.len() && json.len() as u64 <= MAX_SIZE;
    let (form, values) = if worth {
        (COMPRESSED, compressed)
    } else {
        (PLAIN, json)
    };
    let expires = expires
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = expires.as_secs().to_be_bytes();
    Ok([&[form], seconds.as_slice(), &values].concat())
}

/// The values; `None` if they have expired by `now`, or for what [`write`] has not written.
pub(super) fn read(payload: &[u8], now: SystemTime) -> Option<SessionData> {
    let (form, rest) = payload.split_first()?;
    let (seconds, values) = rest.split_first_chunk::<8>()?;
    let now = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    if Duration::from_secs(u64::from_be_bytes(*seconds)) <= now {
        return None;
    }
    match *form {
        PLAIN => serde_json::from_slice(values).ok(),
        COMPRESSED => {
            let mut json = Vec::new();
            // Where there is more, what was read is no JSON.
            ZlibDecoder::new(values)
                .take(MAX_SIZE)
                .read_to_end(&mut json)
                .ok()?;
            serde_json::from_slice(&json).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn payload_expires_with_its_second() {
        let payload = write(&SessionData::new(), at(1_700_000_000)).unwrap();

        assert!(read(&payload, at(1_699_999_999)).is_some());
        assert!(read(&payload, at(1_700_000_000)).is_none());
    }

    #[test]
    fn what_swells_is_not_read() {
        let zeros = vec![b' '; 4 * MAX_SIZE as usize];
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&zeros).unwrap();
        let bomb = [
            &[COMPRESSED],
            u64::MAX.to_be_bytes().as_slice(),
            &encoder.finish().unwrap(),
        ]
        .concat();

        assert!(read(&bomb, at(0)).is_none());
    }

    proptest! {
        #[test]
        fn values_survive(values in proptest::collection::btree_map("\\PC{0,8}", "\\PC{0,40}", 0..20)) {
            let data: SessionData = values.into_iter().map(|(name, value)| (name, value.into())).collect();
            let payload = write(&data, at(10)).unwrap();

            prop_assert_eq!(read(&payload, at(9)), Some(data));
        }

        #[test]
        fn any_bytes_can_be_read(payload in proptest::collection::vec(any::<u8>(), 0..80)) {
            read(&payload, at(0));
        }
    }
}
