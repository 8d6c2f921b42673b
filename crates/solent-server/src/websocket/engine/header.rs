//! Frame headers: RFC 6455 §5.2.

use std::io::Cursor;

use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};

use super::Violation;

/// The longest header: two bytes, a 64-bit length and a mask.
pub(super) const MAX_HEADER: usize = 14;

/// A frame's header, checked as far as it can be without knowing what came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) opcode: OpCode,
    pub(super) fin: bool,
    pub(super) rsv1: bool,
    pub(super) mask: [u8; 4],
    /// The payload's length.
    pub(super) len: u64,
    /// The header's own length.
    pub(super) size: usize,
}

/// Parses the header at the beginning of `input`; `None` if it is not complete.
pub(super) fn parse(input: &[u8]) -> Result<Option<Header>, Violation> {
    check_first_bytes(input)?;
    let mut cursor = Cursor::new(input);
    // The only errors are reserved opcodes, which have been looked at, so there is one meaning left.
    let parsed = FrameHeader::parse(&mut cursor)
        .map_err(|_| Violation::protocol("frame header is malformed"))?;
    let Some((header, len)) = parsed else {
        return Ok(None);
    };
    let size = cursor.position() as usize;
    check_length(len, size)?;
    let mask = header
        .mask
        .ok_or(Violation::protocol("client frames must be masked"))?;
    Ok(Some(Header {
        opcode: header.opcode,
        fin: header.is_final,
        rsv1: header.rsv1,
        mask,
        len,
        size,
    }))
}

/// What the first two bytes say is refused without waiting for the rest.
fn check_first_bytes(input: &[u8]) -> Result<(), Violation> {
    if let Some(first) = input.first() {
        if first & 0b0011_0000 != 0 {
            return Err(Violation::protocol("reserved bits must be zero"));
        }
        let is_control = first & 0b1000 != 0;
        if matches!(first & 0x0f, 3..=7 | 11..=15) {
            return Err(Violation::protocol("opcode is reserved"));
        }
        if is_control && first & 0b1000_0000 == 0 {
            return Err(Violation::protocol("control frames must not be fragmented"));
        }
        if is_control && first & 0b0100_0000 != 0 {
            return Err(Violation::protocol("control frames must not be compressed"));
        }
        if is_control && input.get(1).is_some_and(|second| second & 0x7f > 125) {
            return Err(Violation::protocol(
                "control frames must not be longer than 125 bytes",
            ));
        }
    }
    match input.get(1) {
        Some(second) if second & 0x80 == 0 => {
            Err(Violation::protocol("client frames must be masked"))
        }
        _ => Ok(()),
    }
}

/// The length must be in its shortest form, and its highest bit 0.
fn check_length(len: u64, size: usize) -> Result<(), Violation> {
    let shortest = match len {
        0..=125 => 6,
        126..=0xffff => 8,
        _ => 14,
    };
    if size != shortest {
        return Err(Violation::protocol(
            "payload length is not in its shortest form",
        ));
    }
    if len > i64::MAX as u64 {
        return Err(Violation::protocol("payload length is out of range"));
    }
    Ok(())
}

impl Header {
    pub(super) fn control(&self) -> Option<Control> {
        match self.opcode {
            OpCode::Control(control) => Some(control),
            OpCode::Data(_) => None,
        }
    }

    pub(super) fn data(&self) -> Option<Data> {
        match self.opcode {
            OpCode::Data(data) => Some(data),
            OpCode::Control(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(bytes: &[u8]) -> Option<&'static str> {
        parse(bytes).err().map(|violation| violation.reason)
    }

    #[test]
    fn faults_are_seen_as_soon_as_they_arrive() {
        assert_eq!(reason(&[0x91]), Some("reserved bits must be zero"));
        assert_eq!(reason(&[0x83]), Some("opcode is reserved"));
        assert_eq!(reason(&[0x8b]), Some("opcode is reserved"));
        assert_eq!(
            reason(&[0x09]),
            Some("control frames must not be fragmented")
        );
        assert_eq!(
            reason(&[0xc9]),
            Some("control frames must not be compressed")
        );
        assert_eq!(
            reason(&[0x89, 0xfe]),
            Some("control frames must not be longer than 125 bytes")
        );
        assert_eq!(reason(&[0x81, 0x01]), Some("client frames must be masked"));
        assert_eq!(
            reason(&[0x81, 0xfe, 0, 125, 1, 2, 3, 4]),
            Some("payload length is not in its shortest form")
        );
        let huge = [0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4];
        assert_eq!(reason(&huge), Some("payload length is out of range"));
    }

    #[test]
    fn every_length_has_its_form() {
        let short = parse(&[0x81, 0x85, 1, 2, 3, 4]).unwrap().unwrap();
        assert_eq!(
            (short.len, short.size, short.mask, short.fin),
            (5, 6, [1, 2, 3, 4], true)
        );
        let medium = parse(&[0x02, 0xfe, 0, 126, 1, 2, 3, 4]).unwrap().unwrap();
        assert_eq!((medium.len, medium.size, medium.fin), (126, 8, false));
        let long = parse(&[0xc1, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4])
            .unwrap()
            .unwrap();
        assert_eq!((long.len, long.size, long.rsv1), (65536, 14, true));
        assert_eq!(parse(&[0x81, 0xfe, 0, 126, 1, 2, 3]), Ok(None));
    }
}
