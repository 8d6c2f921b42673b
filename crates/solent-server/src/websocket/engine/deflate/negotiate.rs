//! What client and server agree on: RFC 7692 §5 and §7.1.

use std::fmt::Write;

use crate::DeflateConfig;

/// The parameters of an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Agreed {
    pub(crate) server_no_context_takeover: bool,
    pub(crate) client_no_context_takeover: bool,
    pub(crate) server_max_window_bits: u8,
    /// Said only to a client that asked for it to be said.
    pub(crate) client_max_window_bits: Option<u8>,
}

/// What one offer asks for.
#[derive(Default)]
struct Offer {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    /// Present if the client can be told a size; with a value it has named its own.
    client_max_window_bits: Option<Option<u8>>,
}

/// Agrees to the first offer that is understood. `headers` are the values of `Sec-WebSocket-Extensions`.
pub(crate) fn negotiate<'a>(
    headers: impl Iterator<Item = &'a str>,
    config: &DeflateConfig,
) -> Option<Agreed> {
    headers
        .flat_map(|header| split(header, ','))
        .filter_map(Offer::parse)
        .map(|offer| offer.answer(config))
        .next()
}

impl Offer {
    /// Reads one offer; `None` for another extension, or for parameters that have to be declined.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = split(text, ';');
        if !parts
            .next()?
            .trim()
            .eq_ignore_ascii_case("permessage-deflate")
        {
            return None;
        }
        let mut offer = Self::default();
        parts.try_for_each(|parameter| offer.read(parameter.trim()))?;
        Some(offer)
    }

    fn read(&mut self, parameter: &str) -> Option<()> {
        let (name, value) = match parameter.split_once('=') {
            Some((name, value)) => (name.trim(), Some(unquote(value.trim()))),
            None => (parameter, None),
        };
        let fresh = match (name.to_ascii_lowercase().as_str(), value) {
            ("server_no_context_takeover", None) => {
                !std::mem::replace(&mut self.server_no_context_takeover, true)
            }
            ("client_no_context_takeover", None) => {
                !std::mem::replace(&mut self.client_no_context_takeover, true)
            }
            ("server_max_window_bits", Some(value)) => self
                .server_max_window_bits
                .replace(window_bits(value)?)
                .is_none(),
            ("client_max_window_bits", value) => {
                let bits = value
                    .map(window_bits)
                    .map_or(Some(None), |bits| bits.map(Some))?;
                self.client_max_window_bits.replace(bits).is_none()
            }
            // RFC 7692 §7.1: an offer with an unknown parameter, or a wrong value, is declined.
            _ => return None,
        };
        fresh.then_some(())
    }

    fn answer(&self, config: &DeflateConfig) -> Agreed {
        let asked = self.server_max_window_bits.unwrap_or(15);
        Agreed {
            server_no_context_takeover: self.server_no_context_takeover
                || !config.server_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover
                || !config.client_context_takeover,
            server_max_window_bits: asked.min(config.server_max_window_bits),
            client_max_window_bits: self.client_max_window_bits.flatten(),
        }
    }
}

impl Agreed {
    /// The value of the response's `Sec-WebSocket-Extensions`.
    pub(crate) fn response(&self) -> String {
        let mut value = String::from("permessage-deflate");
        if self.server_no_context_takeover {
            value.push_str("; server_no_context_takeover");
        }
        if self.client_no_context_takeover {
            value.push_str("; client_no_context_takeover");
        }
        if self.server_max_window_bits < 15 {
            let _ = write!(
                value,
                "; server_max_window_bits={}",
                self.server_max_window_bits
            );
        }
        if let Some(bits) = self.client_max_window_bits {
            let _ = write!(value, "; client_max_window_bits={bits}");
        }
        value
    }
}

/// 8 to 15, without leading zeros.
fn window_bits(value: &str) -> Option<u8> {
    value
        .parse()
        .ok()
        .filter(|bits| (8..=15).contains(bits) && !value.starts_with(['0', '+']))
}

fn unquote(value: &str) -> &str {
    value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
        .unwrap_or(value)
}

/// Splits at `separator`, but not inside quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(offers: &[&str]) -> Option<String> {
        negotiate(offers.iter().copied(), &DeflateConfig::default()).map(|agreed| agreed.response())
    }

    const NO_CONTEXT: &str =
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    #[test]
    fn browsers_offer_is_agreed_without_contexts() {
        assert_eq!(
            answer(&["permessage-deflate; client_max_window_bits"]).unwrap(),
            NO_CONTEXT
        );
        assert_eq!(answer(&["permessage-deflate"]).unwrap(), NO_CONTEXT);
    }

    #[test]
    fn window_bits_are_honoured() {
        let both = "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9";
        let expected = format!("{NO_CONTEXT}; server_max_window_bits=10; client_max_window_bits=9");
        assert_eq!(answer(&[both]).unwrap(), expected);
        assert_eq!(
            answer(&["permessage-deflate; server_max_window_bits=\"15\""]).unwrap(),
            NO_CONTEXT
        );
    }

    #[test]
    fn offer_that_is_not_understood_falls_back_to_the_next() {
        for bad in [
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=010",
            "permessage-deflate; client_max_window_bits=x",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; unknown",
            "permessage-bzip2",
            "x-webkit-deflate-frame",
            "",
        ] {
            assert_eq!(answer(&[bad]), None, "{bad}");
            assert_eq!(
                answer(&[&format!("{bad}, permessage-deflate")]).as_deref(),
                Some(NO_CONTEXT),
                "{bad}"
            );
            assert_eq!(
                answer(&[bad, "permessage-deflate"]).as_deref(),
                Some(NO_CONTEXT),
                "{bad}"
            );
        }
    }

    #[test]
    fn contexts_are_kept_only_where_both_sides_allow() {
        let config = DeflateConfig::default()
            .server_context_takeover(true)
            .client_context_takeover(true);
        let agreed = |offer| negotiate([offer].into_iter(), &config).unwrap().response();

        assert_eq!(agreed("permessage-deflate"), "permessage-deflate");
        assert_eq!(
            agreed("permessage-deflate; server_no_context_takeover"),
            "permessage-deflate; server_no_context_takeover"
        );
    }
}
