//! From bytes to events.

use std::sync::Arc;

use bytes::Bytes;
use solent_spec::websocket::{Close, CloseCode, Frame};
use tungstenite::protocol::frame::coding::{Control, Data};

use super::{
    Inflater, Violation,
    deflate::{Inflated, Inflating},
    header::{self, Header, MAX_HEADER},
    mask::unmask,
    message::{self, Message},
};

/// What a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decoded {
    Message(Frame),
    Ping(Bytes),
    Pong,
    /// A close frame; code [`NO_STATUS`](CloseCode::NO_STATUS) if it had none.
    Close(Close),
}

/// The sizes that a decoder accepts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of a frame's payload.
    pub(crate) frame: usize,
    /// Bytes of a message, reassembled and inflated.
    pub(crate) message: usize,
}

/// Decodes what one client sends. Between two messages it owns no memory but for the context of a decompressor that the
/// handshake agreed to keep.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// The same for all connections of a server.
    limits: Arc<Limits>,
    /// Present if compression was agreed.
    inflater: Option<Inflater>,
    /// What an earlier input left unfinished.
    partial: Option<Box<Partial>>,
    /// After a close frame or a violation everything is ignored.
    over: bool,
    fragments: Fragments,
}

/// Frames that are not the last of their message, since this was last asked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fragments {
    /// Those of less than 1 KiB.
    pub(crate) small: u16,
    /// Those of less than [`TINY`] bytes.
    pub(crate) tiny: u16,
}

/// Bytes that take as long to inflate as a small frame takes to decode.
const PER_FRAME: usize = 256;

/// Fragments from this size on are what a message is worth splitting into.
const SMALL: u64 = 1024;

/// Fragments of fewer bytes than this carry little more than their own header, which has six.
const TINY: u64 = 16;

/// An unfinished header, frame or message.
#[derive(Debug, Default)]
struct Partial {
    header: [u8; MAX_HEADER],
    header_len: usize,
    frame: Option<Unfinished>,
    message: Option<Message>,
    /// The payload of an unfinished control frame, at most 125 bytes.
    control: Vec<u8>,
    /// A compressed message that is all there, and takes more than one step to inflate.
    inflating: Option<Box<Inflating>>,
}

/// A frame whose payload is not complete.
#[derive(Clone, Copy, Debug)]
struct Unfinished {
    header: Header,
    /// Bytes of the payload that have come.
    done: u64,
}

impl Decoder {
    pub(crate) fn new(limits: impl Into<Arc<Limits>>, inflater: Option<Inflater>) -> Self {
        Self {
            limits: limits.into(),
            inflater,
            partial: None,
            over: false,
            fragments: Fragments::default(),
        }
    }

    /// Ignores everything from now on.
    pub(crate) fn discard(&mut self) {
        self.over = true;
        self.partial = None;
    }

    /// The fragments since this was last asked.
    pub(crate) fn take_fragments(&mut self) -> Fragments {
        std::mem::take(&mut self.fragments)
    }

    /// Whether a message is being inflated, so that there is something to decode without input.
    pub(crate) fn is_inflating(&self) -> bool {
        self.partial
            .as_ref()
            .is_some_and(|partial| partial.inflating.is_some())
    }

    /// The next event in `input` from position `at`, which moves behind what has been used. `None` once the input is used
    /// up, or after so many frames; what is unfinished has been kept. One step of inflating takes as long as all the frames.
    /// The input is changed: its payloads are unmasked in place.
    ///
    /// # Errors
    ///
    /// The rule that the client broke. Nothing can be decoded after that.
    pub(crate) fn decode(
        &mut self,
        input: &mut [u8],
        at: &mut usize,
        frames: &mut u32,
    ) -> Result<Option<Decoded>, Violation> {
        let result = self.decode_some(input, at, frames);
        if !matches!(
            result,
            Ok(Some(Decoded::Message(_) | Decoded::Ping(_) | Decoded::Pong) | None)
        ) {
            self.discard();
        }
        result
    }

    fn decode_some(
        &mut self,
        input: &mut [u8],
        at: &mut usize,
        frames: &mut u32,
    ) -> Result<Option<Decoded>, Violation> {
        while *frames > 0 {
            if self.over {
                *at = input.len();
                return Ok(None);
            }
            let event = if self.is_inflating() {
                *frames = 0;
                self.inflate_on()?
            } else if *at >= input.len() {
                return Ok(None);
            } else if let Some(frame) = self.unfinished_frame() {
                self.resume(frame, input, at)?
            } else {
                let Some(header) = self.next_header(input, at)? else {
                    return Ok(None);
                };
                *frames -= 1;
                self.begin(header, input, at)?
            };
            let Some(event) = event else {
                continue;
            };
            if let Decoded::Message(frame) = &event
                && self.inflater.is_some()
            {
                // A small frame may have been a large message.
                *frames = frames.saturating_sub((frame.len() / PER_FRAME) as u32);
            }
            return Ok(Some(event));
        }
        Ok(None)
    }

    /// Takes a step in inflating a message.
    fn inflate_on(&mut self) -> Result<Option<Decoded>, Violation> {
        let Some(partial) = &mut self.partial else {
            return Ok(None);
        };
        let (Some(mut inflating), Some(inflater)) = (partial.inflating.take(), &mut self.inflater)
        else {
            return Ok(None);
        };
        let done = inflating.step(inflater, self.limits.message)?;
        if !done {
            partial.inflating = Some(inflating);
            return Ok(None);
        }
        self.release();
        inflating.finish().map(Decoded::Message).map(Some)
    }

    fn unfinished_frame(&self) -> Option<Unfinished> {
        self.partial.as_ref()?.frame
    }

    /// Parses a header, part of which may have come earlier. Keeps what is not enough for one.
    fn next_header(&mut self, input: &[u8], at: &mut usize) -> Result<Option<Header>, Violation> {
        let fresh = &input[*at..];
        let kept = self
            .partial
            .as_ref()
            .map_or(0, |partial| partial.header_len);
        if kept == 0
            && let Some(header) = header::parse(fresh)?
        {
            *at += header.size;
            return Ok(Some(header));
        }
        let partial = self.partial.get_or_insert_default();
        let taken = fresh.len().min(MAX_HEADER - kept);
        partial.header[kept..kept + taken].copy_from_slice(&fresh[..taken]);
        let Some(header) = header::parse(&partial.header[..kept + taken])? else {
            partial.header_len = kept + taken;
            *at += taken;
            return Ok(None);
        };
        partial.header_len = 0;
        *at += header.size - kept;
        Ok(Some(header))
    }

    /// Begins a frame, and ends it if its payload is there.
    fn begin(
        &mut self,
        header: Header,
        input: &mut [u8],
        at: &mut usize,
    ) -> Result<Option<Decoded>, Violation> {
        self.check(&header)?;
        self.fragments.count(&header);
        let available = input.len() - *at;
        if header.len > available as u64 {
            return self.keep(header, input, at);
        }
        let end = *at + header.len as usize;
        let payload = &mut input[*at..end];
        unmask(payload, header.mask, 0);
        *at = end;
        if let Some(control) = header.control() {
            self.release();
            return control_event(control, payload).map(Some);
        }
        self.data(&header, payload)
    }

    /// What depends on what came before.
    fn check(&self, header: &Header) -> Result<(), Violation> {
        let Some(data) = header.data() else {
            return Ok(());
        };
        let message = self
            .partial
            .as_ref()
            .and_then(|partial| partial.message.as_ref());
        match (data, message) {
            (Data::Continue, None) => {
                return Err(Violation::protocol("there is no message to continue"));
            }
            (Data::Continue, Some(_)) if header.rsv1 => {
                return Err(Violation::protocol(
                    "only the first frame of a message may be marked as compressed",
                ));
            }
            (Data::Text | Data::Binary, Some(_)) => {
                return Err(Violation::protocol("the message before is not complete"));
            }
            _ if header.rsv1 && self.inflater.is_none() => {
                return Err(Violation::protocol("compression has not been agreed"));
            }
            _ => {}
        }
        if header.len > self.limits.frame as u64 {
            return Err(Violation::FRAME_TOO_BIG);
        }
        if header.len + message.map_or(0, Message::len) as u64 > self.limits.message as u64 {
            return Err(Violation::MESSAGE_TOO_BIG);
        }
        Ok(())
    }

    /// A data frame whose whole payload is there.
    fn data(&mut self, header: &Header, payload: &[u8]) -> Result<Option<Decoded>, Violation> {
        let data = header.data().unwrap_or(Data::Continue);
        if header.fin && data != Data::Continue {
            // The common case: a message in one frame, in one piece.
            self.release();
            let text = data == Data::Text;
            if header.rsv1 {
                return self.inflate(text, payload);
            }
            let frame = message::frame(text, Bytes::copy_from_slice(payload))?;
            return Ok(Some(Decoded::Message(frame)));
        }
        let message = self.message(header);
        message.push(payload)?;
        self.end_of_frame(header.fin)
    }

    /// The message that a data frame belongs to.
    fn message(&mut self, header: &Header) -> &mut Message {
        let data = header.data().unwrap_or(Data::Continue);
        let partial = self.partial.get_or_insert_default();
        partial
            .message
            .get_or_insert_with(|| Message::new(data, header.rsv1))
    }

    fn end_of_frame(&mut self, fin: bool) -> Result<Option<Decoded>, Violation> {
        if !fin {
            return Ok(None);
        }
        let message = self
            .partial
            .as_mut()
            .and_then(|partial| partial.message.take());
        self.release();
        let Some(message) = message else {
            return Ok(None);
        };
        match message {
            Message::Compressed { text, bytes } => self.inflate(text, &bytes),
            message => Ok(Some(Decoded::Message(message.finish()?))),
        }
    }

    /// Inflates a message, at once or in steps.
    fn inflate(&mut self, text: bool, bytes: &[u8]) -> Result<Option<Decoded>, Violation> {
        let inflater = self.inflater.as_mut().ok_or(Violation::NOT_DEFLATE)?;
        match inflater.inflate(text, bytes, self.limits.message)? {
            Inflated::Whole(bytes) => {
                let frame = message::frame(text, bytes.into())?;
                Ok(Some(Decoded::Message(frame)))
            }
            Inflated::Begun(inflating) => {
                self.partial.get_or_insert_default().inflating = Some(inflating);
                Ok(None)
            }
        }
    }

    /// Begins a frame whose payload is not all there.
    fn keep(
        &mut self,
        header: Header,
        input: &mut [u8],
        at: &mut usize,
    ) -> Result<Option<Decoded>, Violation> {
        if header.data().is_some() {
            self.message(&header).reserve(header.len);
        }
        let frame = Unfinished { header, done: 0 };
        self.partial.get_or_insert_default().frame = Some(frame);
        self.resume(frame, input, at)
    }

    /// Goes on with a frame whose payload is not complete.
    fn resume(
        &mut self,
        mut frame: Unfinished,
        input: &mut [u8],
        at: &mut usize,
    ) -> Result<Option<Decoded>, Violation> {
        let missing = frame.header.len - frame.done;
        let taken = missing.min((input.len() - *at) as u64) as usize;
        let payload = &mut input[*at..*at + taken];
        unmask(payload, frame.header.mask, (frame.done % 4) as usize);
        *at += taken;
        frame.done += taken as u64;
        let complete = frame.done == frame.header.len;

        let partial = self.partial.get_or_insert_default();
        partial.frame = (!complete).then_some(frame);
        if let Some(control) = frame.header.control() {
            partial.control.extend_from_slice(payload);
            if !complete {
                return Ok(None);
            }
            let payload = std::mem::take(&mut partial.control);
            self.release();
            return control_event(control, &payload).map(Some);
        }
        if let Some(message) = &mut partial.message {
            message.push(payload)?;
        }
        if complete {
            self.end_of_frame(frame.header.fin)
        } else {
            Ok(None)
        }
    }

    /// Lets go of the memory for unfinished things once there are none.
    fn release(&mut self) {
        self.partial.take_if(|partial| {
            partial.message.is_none()
                && partial.frame.is_none()
                && partial.inflating.is_none()
                && partial.header_len == 0
        });
    }
}

impl Fragments {
    fn count(&mut self, header: &Header) {
        if header.fin || header.len >= SMALL {
            return;
        }
        self.small = self.small.saturating_add(1);
        if header.len < TINY {
            self.tiny = self.tiny.saturating_add(1);
        }
    }
}

fn control_event(control: Control, payload: &[u8]) -> Result<Decoded, Violation> {
    match control {
        Control::Ping => Ok(Decoded::Ping(Bytes::copy_from_slice(payload))),
        Control::Pong => Ok(Decoded::Pong),
        Control::Close => close(payload).map(Decoded::Close),
        Control::Reserved(_) => Err(Violation::protocol("opcode is reserved")),
    }
}

/// RFC 6455 §5.5.1 and §7.4.
fn close(payload: &[u8]) -> Result<Close, Violation> {
    let (code, reason) = match payload {
        [] => return Ok(CloseCode::NO_STATUS.into()),
        [_] => return Err(Violation::protocol("close frame is too short for its code")),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
    };
    let code = CloseCode::sendable(code)
        .map_err(|_| Violation::protocol("close code must not be sent"))?;
    let reason = std::str::from_utf8(reason).map_err(|_| Violation::NOT_UTF8)?;
    Ok(Close {
        code,
        reason: reason.into(),
    })
}

#[cfg(test)]
impl Decoder {
    /// Whether nothing is kept.
    pub(super) fn is_idle(&self) -> bool {
        self.partial.is_none()
    }

    /// Bytes set aside for a message.
    pub(super) fn kept(&self) -> usize {
        let message = self
            .partial
            .as_ref()
            .and_then(|partial| partial.message.as_ref());
        message.map_or(0, Message::capacity)
    }
}
