//! The token in the body of a form.

use std::{
    any::Any,
    borrow::Cow,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http::Method;
use percent_encoding::percent_decode;
use solent_spec::{
    Closed, Connection, Http, HttpProtocol, RequestScope, SendError, Transport,
    http::{Inbound, Outbound},
};

/// How a form comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// In the encoding of URLs, short enough to be read, as far as is known.
    Readable,
    /// Longer, or in parts.
    Unreadable,
    /// It is none.
    No,
}

impl Form {
    pub(super) fn of<S: RequestScope>(scope: &S, limit: usize) -> Self {
        let kind = scope.header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let is = |name| kind.eq_ignore_ascii_case(name);
        let length = scope.header("content-length").map(str::parse::<usize>);
        if scope.head().method() != Method::POST {
            Self::No
        } else if is("multipart/form-data") {
            Self::Unreadable
        } else if !is("application/x-www-form-urlencoded") {
            Self::No
        } else if length.is_none_or(|length| length.is_ok_and(|length| length <= limit)) {
            Self::Readable
        } else {
            Self::Unreadable
        }
    }
}

/// What became of reading a body.
pub(super) enum Outcome<P: HttpProtocol> {
    /// The body, which the connection still has in store for the application.
    Whole(Connection<P>, Bytes),
    /// It is longer than the limit; nothing of it is lost.
    TooLong(Connection<P>),
    /// The client left.
    Gone,
}

/// Reads the body of a request. A protocol other than HTTP has none.
pub(super) async fn read<P: HttpProtocol>(connection: Connection<P>, limit: usize) -> Outcome<P> {
    let mut slot = Some(connection);
    let mut body = BytesMut::new();
    while let Some(http) = as_http(&mut slot) {
        let Some(Inbound::Body { data, more }) = http.receive().await else {
            return Outcome::Gone;
        };
        body.extend_from_slice(&data);
        if body.len() <= limit && more {
            continue;
        }
        let data = body.freeze();
        let fits = data.len() <= limit;
        let event = Inbound::Body {
            data: data.clone(),
            more,
        };
        return match replay(slot, event) {
            Some(connection) if fits => Outcome::Whole(connection, data),
            Some(connection) => Outcome::TooLong(connection),
            None => Outcome::Gone,
        };
    }
    slot.map_or(Outcome::Gone, Outcome::TooLong)
}

/// The last value of a field in a URL-encoded form.
pub fn field<'a>(form: &'a [u8], name: &str) -> Option<Cow<'a, str>> {
    form.split(|byte| *byte == b'&')
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let mut next = || decode(halves.next().unwrap_or_default());
            (next(), next())
        })
        .rfind(|(found, _)| found == name)
        .map(|(_, value)| value)
}

fn decode(text: &[u8]) -> Cow<'_, str> {
    if text.contains(&b'+') {
        let spaced: Vec<u8> = text
            .iter()
            .map(|b| if *b == b'+' { b' ' } else { *b })
            .collect();
        return percent_decode(&spaced)
            .decode_utf8_lossy()
            .into_owned()
            .into();
    }
    percent_decode(text).decode_utf8_lossy()
}

/// The connection as one of HTTP, if it is.
fn as_http<P: HttpProtocol>(slot: &mut Option<Connection<P>>) -> Option<&mut Connection<Http>> {
    let slot: &mut dyn Any = slot;
    slot.downcast_mut::<Option<Connection<Http>>>()?.as_mut()
}

/// Has the connection give what was read of the body once more, as one piece.
fn replay<P: HttpProtocol>(
    mut slot: Option<Connection<P>>,
    event: Inbound,
) -> Option<Connection<P>> {
    let any: &mut dyn Any = &mut slot;
    if let Some(http) = any.downcast_mut::<Option<Connection<Http>>>() {
        *http = http.take().map(|connection| {
            connection.map_transport(|inner| Replay {
                inner,
                event: Some(event),
            })
        });
    }
    slot
}

/// A transport whose body has been read, all of it or the beginning.
struct Replay {
    inner: Box<dyn Transport<Http>>,
    /// What was read, until the application receives it.
    event: Option<Inbound>,
}

impl Transport<Http> for Replay {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Inbound>> {
        match self.event.take() {
            Some(event) => Poll::Ready(Some(event)),
            None => self.inner.poll_receive(cx),
        }
    }

    fn start_send(&mut self, event: Outbound) -> Result<(), SendError> {
        self.inner.start_send(event)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.inner.poll_flush(cx)
    }

    fn closed(&self) -> Closed {
        self.inner.closed()
    }

    fn routed(&mut self, route: &solent_spec::request::UrlRoute) {
        self.inner.routed(route);
    }

    fn take_overhead(&mut self) -> usize {
        self.inner.take_overhead()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn field_is_found_wherever_it_stands() {
        for (form, wanted) in [
            ("t=abc", Some("abc")),
            ("a=1&t=abc&b=2", Some("abc")),
            ("t=old&t=new", Some("new")),
            ("%74=a%62c", Some("abc")),
            ("t=a+b%2B", Some("a b+")),
            ("t=a=b", Some("a=b")),
            ("t", Some("")),
            ("tt=abc", None),
            ("T=abc", None),
            ("a=t=abc", None),
            ("", None),
        ] {
            assert_eq!(field(form.as_bytes(), "t").as_deref(), wanted, "{form}");
        }
    }

    proptest! {
        #[test]
        fn no_form_panics(form in proptest::collection::vec(any::<u8>(), 0..60)) {
            field(&form, "t");
        }
    }
}
