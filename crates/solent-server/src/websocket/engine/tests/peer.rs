use solent_spec::websocket::Frame;

use crate::websocket::engine::{Decoded, Decoder, Inflater, Limits, Violation};

pub(super) const LIMITS: Limits = Limits {
    frame: 1 << 20,
    message: 1 << 20,
};

/// One frame of a client.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    pub(super) first: u8,
    pub(super) mask: [u8; 4],
    pub(super) payload: Vec<u8>,
}

impl Raw {
    pub(super) fn new(first: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            first,
            mask: [7, 0xaa, 0, 0x51],
            payload: payload.into(),
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = vec![self.first];
        match self.payload.len() {
            len @ 0..=125 => out.push(0x80 | len as u8),
            len @ 126..=0xffff => {
                out.push(0xfe);
                out.extend((len as u16).to_be_bytes());
            }
            len => {
                out.push(0xff);
                out.extend((len as u64).to_be_bytes());
            }
        }
        out.extend(self.mask);
        out.extend(
            self.payload
                .iter()
                .zip(self.mask.iter().cycle())
                .map(|(byte, mask)| byte ^ mask),
        );
        out
    }
}

pub(super) fn encode(frames: &[Raw]) -> Vec<u8> {
    frames.iter().flat_map(Raw::encode).collect()
}

/// The frames of a message, cut at the given places.
pub(super) fn fragments(message: &Frame, rsv1: bool, payload: &[u8], cuts: &[usize]) -> Vec<Raw> {
    let opcode = if message.is_text() { 1 } else { 2 };
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (payload.len() + 1)).collect();
    cuts.push(payload.len());
    cuts.sort_unstable();
    let (last, mut from) = (cuts.len() - 1, 0);
    let pieces = cuts.into_iter().enumerate().map(|(at, cut)| {
        let fin = if at == last { 0x80 } else { 0 };
        let first = if at == 0 {
            opcode | if rsv1 { 0x40 } else { 0 }
        } else {
            0
        };
        let piece = Raw::new(fin | first, &payload[from..cut]);
        from = cut;
        piece
    });
    pieces.collect()
}

/// Everything that a decoder says of `bytes`, handed over in pieces of the given sizes.
pub(super) fn decode(
    bytes: &[u8],
    pieces: &[usize],
    inflater: Option<Inflater>,
    limits: Limits,
) -> (Vec<Decoded>, Option<Violation>, Decoder) {
    let mut decoder = Decoder::new(limits, inflater);
    let mut events = Vec::new();
    let mut sizes = pieces.iter().copied().cycle();
    let mut rest = bytes;
    while !rest.is_empty() {
        let size = sizes.next().unwrap_or(rest.len()).clamp(1, rest.len());
        let (piece, after) = rest.split_at(size);
        rest = after;
        let (mut input, mut at) = (piece.to_vec(), 0);
        loop {
            // Turns of one frame, so that every state is left and taken up again.
            match decoder.decode(&mut input, &mut at, &mut 1) {
                Ok(Some(event)) => events.push(event),
                Ok(None) if at < input.len() || decoder.is_inflating() => {}
                Ok(None) => break,
                Err(violation) => return (events, Some(violation), decoder),
            }
        }
        assert_eq!(at, input.len(), "input that gives no event is used up");
    }
    (events, None, decoder)
}
