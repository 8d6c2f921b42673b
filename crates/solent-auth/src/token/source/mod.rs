//! Where a request has its token.

use std::{borrow::Cow, fmt};

use percent_encoding::percent_decode_str;
use solent_session::Cookies;
use solent_spec::RequestScope;

use super::{FirstMessage, secret::Secret};

/// Where clients put their tokens.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TokenSource {
    /// The header `Authorization: Bearer …` (RFC 6750 §2.1). For every client but a browser's WebSocket, which cannot set headers.
    Bearer,

    /// A subprotocol that a WebSocket's client offers: one that begins with this prefix, and the rest is the token
    /// (`new WebSocket(url, ["chat", "bearer." + token])`), or one that is the prefix, and the next is the token
    /// (`["bearer", token]`).
    ///
    /// A subprotocol consists of letters, digits and `` !#$%&'*+-.^_`|~ ``. JSON Web Tokens do, others may have to be encoded.
    ///
    /// Where the application chooses no subprotocol itself, the first one that has not to do with the token is chosen for it, else
    /// the one that the token came with, since a browser leaves if none of those it offered is chosen.
    Subprotocol(Cow<'static, str>),

    /// A parameter of the URL's query, by name. URLs end up in logs, histories and referrers (RFC 6750 §5.3): prefer any other
    /// source, and tokens that live for seconds or may be used once. This crate and Solent's server log no query.
    Query(Cow<'static, str>),

    /// A cookie, by name. A browser sends it whatever page it shows, so requests of other origins are refused (see
    /// [`Tokens::origins`](super::Tokens::origins)).
    Cookie(Cow<'static, str>),

    /// The first message of a WebSocket: `{"type": "auth.token", "token": "…"}`. The application is called when the token has come.
    /// It is waited for only if no other source has one.
    FirstMessage(FirstMessage),
}

impl TokenSource {
    /// [`Subprotocol`](Self::Subprotocol) with this prefix.
    pub fn subprotocol(prefix: impl Into<Cow<'static, str>>) -> Self {
        Self::Subprotocol(prefix.into())
    }

    /// [`Query`](Self::Query) with this parameter.
    pub fn query(parameter: impl Into<Cow<'static, str>>) -> Self {
        Self::Query(parameter.into())
    }

    /// [`Cookie`](Self::Cookie) of this name.
    pub fn cookie(name: impl Into<Cow<'static, str>>) -> Self {
        Self::Cookie(name.into())
    }

    /// [`FirstMessage`](Self::FirstMessage) with the default settings.
    pub fn first_message() -> Self {
        Self::FirstMessage(FirstMessage::default())
    }

    /// The token that a request has here.
    pub(super) fn find<S: RequestScope>(&self, scope: &S) -> Option<Found> {
        let (token, via) = match self {
            Self::Bearer => (bearer(scope), Via::Bearer),
            Self::Query(parameter) => (query(scope.query(), parameter), Via::Query),
            Self::Cookie(name) => {
                let cookie = Cookies::of(scope).get(name);
                let token = cookie.filter(|value| !value.is_empty());
                (token.map(|token| Ok(token.into())), Via::Cookie)
            }
            Self::Subprotocol(prefix) => return subprotocol(scope, prefix),
            Self::FirstMessage(_) => return None,
        };
        token.map(|token| Found { token, via })
    }
}

/// What a source had.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) token: Result<Secret, Unclear>,
    pub(super) via: Via,
}

/// A source has something that is not clearly one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unclear;

/// How a token came. What is chosen may contain the token, so it is printed nowhere.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Via {
    Bearer,
    Query,
    Cookie,
    Message,
    /// With the subprotocol that is chosen if the application chooses none.
    Subprotocol(Box<str>),
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bearer => "authorization header",
            Self::Query => "query",
            Self::Cookie => "cookie",
            Self::Message => "message",
            Self::Subprotocol(_) => "subprotocol",
        })
    }
}

impl fmt::Debug for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

type Token = Result<Secret, Unclear>;

/// RFC 6750 §2.1. Another scheme is none of our business; two of them are.
fn bearer<S: RequestScope>(scope: &S) -> Option<Token> {
    let head = scope.head();
    let mut values = head.header_values("authorization");
    let value = values.next()?;
    let several = values.next().is_some();
    let (scheme, token) = match value.iter().position(|byte| *byte == b' ') {
        Some(at) => value.split_at(at),
        None => (value, &[][..]),
    };
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return several.then_some(Err(Unclear));
    }
    let token = std::str::from_utf8(token).map(|token| token.trim_matches(' '));
    Some(match token {
        Ok(token) if !several && is_b64token(token) => Ok(token.into()),
        _ => Err(Unclear),
    })
}

fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !body.is_empty() && body.bytes().all(plain)
}

/// A parameter of a query, as forms encode it. One that is empty is absent.
fn query(query: &str, name: &str) -> Option<Token> {
    let mut values = query.split('&').filter_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (!value.is_empty() && decoded(key).ok()? == name).then_some(value)
    });
    let value = values.next()?;
    Some(match decoded(value) {
        Ok(token) if values.next().is_none() => Ok(token.into()),
        _ => Err(Unclear),
    })
}

fn decoded(text: &str) -> Result<Cow<'_, str>, Unclear> {
    let decoded = |text: &str| {
        let text = percent_decode_str(text)
            .decode_utf8()
            .map_err(|_| Unclear)?;
        Ok(text.into_owned().into())
    };
    if text.contains('+') {
        decoded(&text.replace('+', " "))
    } else if text.contains('%') {
        decoded(text)
    } else {
        Ok(text.into())
    }
}

fn subprotocol<S: RequestScope>(scope: &S, prefix: &str) -> Option<Found> {
    let head = scope.head();
    let values = head.header_values("sec-websocket-protocol");
    let offered: Vec<&str> = values
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|subprotocol| !subprotocol.is_empty())
        .collect();
    let at = offered.iter().position(|offer| offer.starts_with(prefix))?;
    let rest = &offered[at][prefix.len()..];
    let (token, used) = match rest {
        "" => (offered.get(at + 1).copied(), 2),
        rest => (Some(rest), 1),
    };
    let others = || [&offered[..at], offered.get(at + used..).unwrap_or_default()].concat();
    let several = others().iter().any(|offer| offer.starts_with(prefix));
    let chosen = others().first().copied().unwrap_or(offered[at]);
    Some(Found {
        token: match token {
            Some(token) if !several => Ok(token.into()),
            _ => Err(Unclear),
        },
        via: Via::Subprotocol(chosen.into()),
    })
}

#[cfg(test)]
mod tests;
