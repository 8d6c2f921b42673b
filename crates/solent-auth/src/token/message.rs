//! What clients and this crate tell each other about tokens.

use std::{borrow::Cow, time::Duration};

use serde::Deserialize;
use solent_spec::websocket::Frame;

use super::secret::Secret;

/// A message that is about a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Presented {
    Token(Secret),
    /// The token is missing, no text, or too long.
    Unusable,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    token: Option<Cow<'a, str>>,
}

/// Any message, whatever its token is.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

const KIND: &str = "auth.token";

/// The token in a message `{"type": "auth.token", "token": "…"}`; `None` for every other message.
///
/// Looks at every message of a client, so it gives up on most after a glance.
pub(super) fn presented(frame: &Frame, max_len: usize) -> Option<Presented> {
    let text = frame.as_text()?;
    if !may_be(text, max_len) {
        return None;
    }
    match serde_json::from_str::<Envelope<'_>>(text) {
        Ok(Envelope { kind, token }) if kind == KIND => Some(match token {
            Some(token) if !token.is_empty() && token.len() <= max_len => {
                Presented::Token(token.into())
            }
            _ => Presented::Unusable,
        }),
        Ok(_) => None,
        Err(_) => match serde_json::from_str::<Kind<'_>>(text) {
            Ok(Kind { kind }) if kind == KIND => Some(Presented::Unusable),
            _ => None,
        },
    }
}

/// Whether a message is worth reading. Of a long one, the beginning has to say so.
fn may_be(text: &str, max_len: usize) -> bool {
    const ROOM: usize = 256;
    if !text.trim_start().starts_with('{') {
        return false;
    }
    if text.len() <= max_len.saturating_add(ROOM) {
        return text.contains(KIND);
    }
    let end = (0..=ROOM.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at));
    text[..end.unwrap_or_default()].contains(KIND)
}

/// The token expires soon.
pub(super) fn expiring(left: Duration) -> Frame {
    let seconds = seconds(left);
    Frame::text(format!(r#"{{"type":"auth.expiring","in":{seconds}}}"#))
}

/// The token is good, for so long.
pub(super) fn accepted(left: Option<Duration>) -> Frame {
    Frame::text(match left.map(seconds) {
        Some(seconds) => format!(r#"{{"type":"auth.accepted","in":{seconds}}}"#),
        None => r#"{"type":"auth.accepted"}"#.to_owned(),
    })
}

/// The token is no good. The one before still is, until it expires.
pub(super) fn refused() -> Frame {
    Frame::text(r#"{"type":"auth.refused"}"#)
}

/// It cannot be told now whether the token is good.
pub(super) fn unavailable() -> Frame {
    Frame::text(r#"{"type":"auth.unavailable"}"#)
}

/// Rounded to the nearest, so that a minute is not called 59 seconds.
fn seconds(left: Duration) -> u64 {
    left.saturating_add(Duration::from_millis(500)).as_secs()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<Presented> {
        presented(&text.into(), 16)
    }

    fn token(text: &str) -> Option<Presented> {
        Some(Presented::Token(text.into()))
    }

    #[test]
    fn token_is_found_wherever_it_stands() {
        for text in [
            r#"{"type":"auth.token","token":"secret"}"#,
            r#"{"token":"secret","type":"auth.token"}"#,
            r#" { "type" : "auth.token" , "id": 7, "token" : "\u0073ecret" } "#,
        ] {
            assert_eq!(read(text), token("secret"), "{text}");
        }
    }

    #[test]
    fn other_messages_are_not_held_up() {
        for text in [
            "",
            "{}",
            "auth.token",
            r#""auth.token""#,
            r#"["auth.token"]"#,
            r#"{"type":"chat","text":"what is an \"auth.token\"?"}"#,
            r#"{"type":"chat","token":"auth.token"}"#,
            r#"{"text":"auth.token"}"#,
            r#"{"type":"auth.token","token":"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        let binary = Frame::binary(r#"{"type":"auth.token","token":"a"}"#);
        assert_eq!(presented(&binary, 16), None);
        let long = format!(r#"{{"text":"{}","type":"auth.token"}}"#, "x".repeat(300));
        assert_eq!(read(&long), None);
    }

    #[test]
    fn what_is_no_token_is_told_from_other_messages() {
        for text in [
            r#"{"type":"auth.token"}"#.to_owned(),
            r#"{"type":"auth.token","token":null}"#.to_owned(),
            r#"{"type":"auth.token","token":7}"#.to_owned(),
            r#"{"type":"auth.token","token":{}}"#.to_owned(),
            r#"{"type":"auth.token","token":""}"#.to_owned(),
            r#"{"type":"auth.token","token":"12345678901234567"}"#.to_owned(),
            format!(
                r#"{{"type":"auth.token","token":"{}"}}"#,
                "x".repeat(10_000)
            ),
        ] {
            assert_eq!(read(&text), Some(Presented::Unusable), "{text}");
        }
    }

    #[test]
    fn messages_are_those_of_the_documentation() {
        let minute = Duration::from_millis(59_999);
        let text = |frame: Frame| frame.as_text().unwrap().to_owned();

        assert_eq!(
            text(expiring(minute)),
            r#"{"type":"auth.expiring","in":60}"#
        );
        assert_eq!(
            text(accepted(Some(minute))),
            r#"{"type":"auth.accepted","in":60}"#
        );
        assert_eq!(text(accepted(None)), r#"{"type":"auth.accepted"}"#);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text: String, max_len in 0..64_usize) {
            let _ = presented(&text.into(), max_len);
        }

        #[test]
        fn any_token_is_found(secret in ".{1,4}", id: i32) {
            let message = serde_json::json!({ "type": KIND, "id": id, "token": secret });
            prop_assert_eq!(read(&message.to_string()), token(&secret));
        }
    }
}
