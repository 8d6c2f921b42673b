//! The application's side.

use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Response, header};
use http_body::Body as _;

use super::{FilePart, Host, Piece, Slot, slot::State};
use crate::{
    Body, Http, SendError, Transport,
    http::{Receive, Send},
    request::Feature,
};

pub(super) struct ExchangeTransport {
    slot: Arc<Slot>,
    request: Request,
    host: Arc<dyn Host>,
}

/// How far the request body has been received.
enum Request {
    Unread(Body),
    /// The last piece has been delivered, or the body given away.
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
        Ok(Piece::Stream(body))
    }

    fn check_offered(&self, event: &Send) -> Result<(), SendError> {
        match event {
            Send::Start(start) if start.trailers => self.offered(Feature::Trailers),
            Send::EarlyHint { .. } => self.offered(Feature::EarlyHint),
            Send::Push { .. } => self.offered(Feature::Push),
            Send::PathSend(_) => self.offered(Feature::PathSend),
            Send::ZeroCopySend { .. } => self.offered(Feature::ZeroCopySend),
            _ => Ok(()),
        }
    }

    fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<Option<Receive>> {
        let Request::Unread(body) = &mut self.request else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(&mut *body).poll_frame(cx));
        let last = body.is_end_stream();
        let event = match frame {
            None => Receive::Body {
                data: Bytes::new(),
                more: false,
            },
            Some(Err(_)) => {
                self.request = Request::Lost;
                return Poll::Ready(Some(Receive::Disconnect));
            }
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => Receive::Body { data, more: !last },
                Err(frame) => Receive::Trailers(frame.into_trailers().unwrap_or_default()),
            },
        };
        if !matches!(event, Receive::Body { more: true, .. }) {
            self.request = Request::Read;
        }
        Poll::Ready(Some(event))
    }
}

impl Transport<Http> for ExchangeTransport {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Receive>> {
        {
            let mut state = self.slot.lock();
            let finished = state.ended && state.pieces.is_empty() && state.head.is_none();
            if state.over || finished || matches!(self.request, Request::Lost) {
                return Poll::Ready(Some(Receive::Disconnect));
            }
            state.wait_as_application(cx);
        }
        match ready!(self.poll_request(cx)) {
            Some(event) => Poll::Ready(Some(event)),
            None => Poll::Pending,
        }
    }

    fn start_send(&mut self, event: Send) -> Result<(), SendError> {
        self.check_offered(&event)?;
        self.slot.lock().order.sent(&event)?;
        let piece = match event {
            Send::PathSend(path) => Some(self.file(Feature::PathSend, FilePart::Path(path))?),
            Send::ZeroCopySend {
                file,
                offset,
                count,
                ..
            } => Some(self.file(
                Feature::ZeroCopySend,
                FilePart::Open {
                    file,
                    offset,
                    count,
                },
            )?),
            event => self.slot.lock().take(event),
        };
        let mut state = self.slot.lock();
        if let Some(piece) = piece {
            state.push(piece);
        }
        state.ended = state.order == crate::http::HttpOrder::Done;
        if state.ended && !state.trailers.is_empty() {
            let trailers = mem::take(&mut state.trailers);
            state.push(Piece::Trailers(trailers));
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
            Request::Read | Request::Lost => None,
        }
    }
}

impl State {
    /// Notes what an event says of the head and returns the piece of body that it carries.
    fn take(&mut self, event: Send) -> Option<Piece> {
        match event {
            Send::Start(start) => {
                let mut head = Response::new(Body::empty());
                *head.status_mut() = start.status;
                *head.headers_mut() = start.headers;
                head.headers_mut().remove(header::TRANSFER_ENCODING);
                self.head = Some(head);
                None
            }
            Send::Response(mut response) => {
                response.headers_mut().remove(header::TRANSFER_ENCODING);
                self.head = Some(*response);
                None
            }
            Send::Body { data, .. } => Some(Piece::Data(data)),
            Send::Trailers { headers, .. } => {
                self.trailers.extend(headers);
                None
            }
            _ => None,
        }
    }
}
