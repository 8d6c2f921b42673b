//! The application's side.

use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, header};
use http_body::{Body as _, Frame};

use super::{FilePart, Host, Piece, Slot, slot::State};
use crate::{
    Body, Closed, Http, SendError, Transport,
    http::{HttpOrder, Inbound, Outbound},
    request::{Feature, UrlRoute},
};

pub(super) struct ExchangeTransport {
    slot: Arc<Slot>,
    request: Request,
    host: Arc<dyn Host>,
}

/// How far the request body has been received.
enum Request {
    Unread(Body),
    /// The last piece has been delivered, the trailers have not.
    Trailers(HeaderMap),
    /// The last piece and the trailers have been delivered, or the body given away.
    Read,
    /// The body broke off.
    Lost,
}

impl ExchangeTransport {
    pub(super) fn new(slot: Arc<Slot>, body: Body, host: Arc<dyn Host>) -> Self {
        Self {
            slot,
            request: Request::Unread(body),
            host,
        }
    }

    fn offered(&self, feature: Feature) -> Result<(), SendError> {
        if self.host.offers(feature) {
            Ok(())
        } else {
            Err(SendError::NotOffered(feature.name()))
        }
    }

    /// The piece that an event of files stands for.
    fn file(&self, feature: Feature, file: FilePart) -> Result<Piece, SendError> {
        self.offered(feature)?;
        let body = self
            .host
            .file(file)
            .ok_or(SendError::NotOffered(feature.name()))?;
        Ok(Piece::File(body))
    }

    /// The piece of body that an event is, if it is one.
    fn piece(&self, event: Outbound) -> Result<Option<Piece>, SendError> {
        match event {
            Outbound::Body { data, .. } => Ok(Some(Piece::Data(data))),
            Outbound::PathSend(path) => {
                self.file(Feature::PathSend, FilePart::Path(path)).map(Some)
            }
            Outbound::ZeroCopySend {
                file,
                offset,
                count,
                ..
            } => {
                let part = FilePart::Open {
                    file,
                    offset,
                    count,
                };
                self.file(Feature::ZeroCopySend, part).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// What comes next of the request; `None` once there is nothing more to come.
    fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<Option<Inbound>> {
        let body = match &mut self.request {
            Request::Unread(body) => body,
            Request::Trailers(trailers) => {
                let trailers = mem::take(trailers);
                self.request = Request::Read;
                return Poll::Ready(Some(Inbound::Trailers(trailers)));
            }
            Request::Read | Request::Lost => return Poll::Ready(None),
        };
        let frame = ready!(Pin::new(&mut *body).poll_frame(cx));
        let last = body.is_end_stream();
        let (data, more, next) = match frame.map(|frame| frame.map(Frame::into_data)) {
            None => (Bytes::new(), false, Request::Read),
            Some(Err(_)) => {
                self.request = Request::Lost;
                self.slot.lock().lost = true;
                return Poll::Ready(Some(Inbound::Disconnect));
            }
            Some(Ok(Ok(data))) if !last => {
                return Poll::Ready(Some(Inbound::Body { data, more: true }));
            }
            Some(Ok(Ok(data))) => (data, false, Request::Read),
            // Only now is it known that the body was complete.
            Some(Ok(Err(frame))) => {
                let trailers = frame.into_trailers().unwrap_or_default();
                (Bytes::new(), false, Request::Trailers(trailers))
            }
        };
        self.request = next;
        Poll::Ready(Some(Inbound::Body { data, more }))
    }
}

impl Transport<Http> for ExchangeTransport {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Inbound>> {
        {
            let mut state = self.slot.lock();
            let finished = state.ended && state.pieces.is_empty() && state.head.is_none();
            if state.over || finished || matches!(self.request, Request::Lost) {
                return Poll::Ready(Some(Inbound::Disconnect));
            }
            state.wait_as_application(cx);
        }
        match ready!(self.poll_request(cx)) {
            Some(event) => Poll::Ready(Some(event)),
            None => Poll::Pending,
        }
    }

    fn start_send(&mut self, event: Outbound) -> Result<(), SendError> {
        if let Some(feature) = event.feature() {
            self.offered(feature)?;
        }
        let mut state = self.slot.lock();
        let mut order = state.order;
        order.sent(&event)?;
        // An event of files that the host cannot carry out must change nothing.
        let piece = match event {
            Outbound::Body { .. } | Outbound::PathSend(_) | Outbound::ZeroCopySend { .. } => {
                drop(state);
                let piece = self.piece(event)?;
                state = self.slot.lock();
                if state.over {
                    return Err(SendError::Closed);
                }
                piece
            }
            event => {
                state.note(event);
                None
            }
        };
        state.order = order;
        if let Some(piece) = piece {
            state.push(piece);
        }
        state.ended = order == HttpOrder::Done;
        if state.ended
            && let Some(trailers) = state.trailers.take()
        {
            state.push(Piece::Trailers(*trailers));
        }
        state.wake_server();
        Ok(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let mut state = self.slot.lock();
        if state.over && !state.ended {
            return Poll::Ready(Err(SendError::Closed));
        }
        if state.has_room() || state.ended {
            return Poll::Ready(Ok(()));
        }
        state.wait_as_application(cx);
        Poll::Pending
    }

    fn direct(&mut self) -> Option<Body> {
        match &mut self.request {
            Request::Unread(body) => {
                let body = mem::take(body);
                self.request = Request::Read;
                Some(body)
            }
            Request::Trailers(_) | Request::Read | Request::Lost => None,
        }
    }

    fn closed(&self) -> Closed {
        self.slot.lock().closed()
    }

    fn routed(&mut self, route: &UrlRoute) {
        self.slot.caller.set_route(route);
    }
}

impl State {
    /// Notes what an event says of the head and the trailers.
    fn note(&mut self, event: Outbound) {
        match event {
            Outbound::Start(start) => {
                let mut head = Response::new(Body::empty());
                *head.status_mut() = start.status;
                *head.headers_mut() = start.headers;
                ignore_chunked(head.headers_mut());
                self.head = Some(Box::new(head));
            }
            Outbound::Response(mut response) => {
                ignore_chunked(response.headers_mut());
                self.head = Some(response);
            }
            Outbound::Trailers { headers, .. } if headers.is_empty() => {}
            Outbound::Trailers { headers, .. } => {
                self.trailers.get_or_insert_default().extend(headers);
            }
            // Hints may be ignored, and so may what is meant for tests.
            _ => {}
        }
    }
}

/// How a body is transferred is the server's business, so what says the usual is ignored. A coding that the application
/// claims to have applied is left for the server to refuse.
fn ignore_chunked(headers: &mut HeaderMap) {
    let usual = |value: &HeaderValue| {
        let value = value.as_bytes().trim_ascii();
        value.eq_ignore_ascii_case(b"chunked") || value.eq_ignore_ascii_case(b"identity")
    };
    let mut values = headers.get_all(header::TRANSFER_ENCODING).iter();
    if values.all(usual) {
        headers.remove(header::TRANSFER_ENCODING);
    }
}
