//! What is stored in Redis or published, and what is read from it.

use std::{fmt, sync::Arc, time::SystemTime};

use bytes::Bytes;
use solent_layer::ChannelName;
use solent_spec::Message;

use super::{AddressList, Cipher, DecodeError, EncodeError, Serializer, address};

/// Makes payloads of messages and messages of payloads: random bytes, then what the serializer wrote, encrypted if
/// there is a cipher.
pub(crate) struct Payloads {
    serializer: Arc<dyn Serializer>,
    cipher: Option<Cipher>,
    random_prefix: usize,
}

impl Payloads {
    /// Payloads that begin with so many random bytes. In the queue layout they make equal messages different members of a
    /// sorted set; in pub/sub there are none.
    pub(crate) fn new(
        serializer: Arc<dyn Serializer>,
        cipher: Option<Cipher>,
        random_prefix: usize,
    ) -> Self {
        Self {
            serializer,
            cipher,
            random_prefix,
        }
    }

    /// The payload for a channel or topic of its own.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] for a message with a field that readers would not understand.
    pub(crate) fn encode(&self, message: &Message) -> Result<Bytes, EncodeError> {
        refuse_addressed(message)?;
        self.seal(message)
    }

    /// The payload for one channel of a process, as it is sent to that channel.
    ///
    /// # Errors
    ///
    /// As of [`encode`](Self::encode).
    pub(crate) fn encode_to(
        &self,
        message: &Message,
        channel: &ChannelName,
    ) -> Result<Bytes, EncodeError> {
        refuse_addressed(message)?;
        let message = address::with_channel(message, channel)
            .map_err(|error| EncodeError::Serializer(error.into()))?;
        self.seal(&message)
    }

    /// The payload for channels of one process, as it is sent to a group.
    ///
    /// # Errors
    ///
    /// As of [`encode`](Self::encode).
    pub(crate) fn encode_to_all(
        &self,
        message: &Message,
        channels: &AddressList,
    ) -> Result<Bytes, EncodeError> {
        refuse_addressed(message)?;
        let message = address::with_channels(message, channels)
            .map_err(|error| EncodeError::Serializer(error.into()))?;
        self.seal(&message)
    }

    /// The message of a payload that was read at the time `now`. It may be [addressed](super::take_channels).
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for what is no message, is encrypted with another key, or is too old for the cipher.
    pub(crate) fn decode(&self, payload: Bytes, now: SystemTime) -> Result<Message, DecodeError> {
        if payload.len() < self.random_prefix {
            return Err(DecodeError::Short);
        }
        let sealed = payload.slice(self.random_prefix..);
        let body = match &self.cipher {
            Some(cipher) => cipher.decrypt(&sealed, now)?,
            None => sealed,
        };
        self.serializer
            .deserialize(body)
            .map_err(DecodeError::Serializer)
    }

    fn seal(&self, message: &Message) -> Result<Bytes, EncodeError> {
        let body = self
            .serializer
            .serialize(message)
            .map_err(EncodeError::Serializer)?;
        if self.random_prefix == 0 && self.cipher.is_none() {
            return Ok(body);
        }
        let mut payload = Vec::with_capacity(self.random_prefix + body.len());
        payload.resize(self.random_prefix, 0);
        rand::fill(&mut payload[..]);
        match &self.cipher {
            Some(cipher) => cipher.encrypt(&body, SystemTime::now(), &mut payload),
            None => payload.extend_from_slice(&body),
        }
        Ok(payload.into())
    }
}

impl fmt::Debug for Payloads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payloads")
            .field("cipher", &self.cipher)
            .field("random_prefix", &self.random_prefix)
            .finish_non_exhaustive()
    }
}

fn refuse_addressed(message: &Message) -> Result<(), EncodeError> {
    if address::is_addressed(message) {
        Err(EncodeError::Addressed)
    } else {
        Ok(())
    }
}
