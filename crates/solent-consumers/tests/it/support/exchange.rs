//! A scripted HTTP client.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use http::Method;
use solent_layer::DynLayer;
use solent_spec::{
    Closed, ClosedSignal, Connection, Http, RequestScope, SendError, Transport,
    http::{HttpOrder, HttpScope, Inbound, Outbound},
};

use super::{link, request};

/// The client's side of an exchange. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Exchange(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    inbox: VecDeque<Inbound>,
    sent: Vec<String>,
    headers: Vec<(String, String)>,
    order: HttpOrder,
    waker: Option<Waker>,
    left: bool,
    closed: ClosedSignal,
}

impl Exchange {
    /// A request with a body, in the pieces it comes in.
    pub(crate) fn new(body: &[&str]) -> Self {
        let exchange = Self::default();
        for (at, piece) in body.iter().enumerate() {
            exchange.push(Inbound::Body {
                data: piece.as_bytes().to_vec().into(),
                more: at + 1 < body.len(),
            });
        }
        exchange
    }

    pub(crate) fn connection(&self, layer: Option<&DynLayer>) -> Connection<Http> {
        self.connection_at("/", layer)
    }

    pub(crate) fn connection_at(&self, path: &str, layer: Option<&DynLayer>) -> Connection<Http> {
        let mut scope = HttpScope::new(request(path, &[]), link(Vec::new())).unwrap();
        if let Some(layer) = layer {
            scope.link_mut().insert(layer.clone());
        }
        Connection::new(scope, Wire(self.clone()))
    }

    pub(crate) fn connection_to(&self, method: Method, path: &str) -> Connection<Http> {
        let mut request = request(path, &[]);
        request.method = method;
        let scope = HttpScope::new(request, link(Vec::new())).unwrap();
        Connection::new(scope, Wire(self.clone()))
    }

    pub(crate) fn push(&self, event: Inbound) {
        let mut state = self.0.lock().unwrap();
        state.inbox.push_back(event);
        let waker = state.waker.take();
        drop(state);
        waker.inspect(Waker::wake_by_ref);
    }

    pub(crate) fn leave(&self) {
        let mut state = self.0.lock().unwrap();
        state.left = true;
        state.closed.close();
        drop(state);
        self.push(Inbound::Disconnect);
    }

    /// Takes what the client got since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().sent)
    }

    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap().headers.clone()
    }
}

/// The application's side.
struct Wire(Exchange);

impl Transport<Http> for Wire {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Inbound>> {
        let mut state = self.0.0.lock().unwrap();
        if let Some(event) = state.inbox.pop_front() {
            return Poll::Ready(Some(event));
        }
        if state.left || state.order == HttpOrder::Done {
            return Poll::Ready(Some(Inbound::Disconnect));
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn start_send(&mut self, event: Outbound) -> Result<(), SendError> {
        let mut state = self.0.0.lock().unwrap();
        if state.left {
            return Err(SendError::Closed);
        }
        state.order.sent(&event)?;
        let headers = match &event {
            Outbound::Start(start) => Some(&start.headers),
            Outbound::Response(response) => Some(response.headers()),
            _ => None,
        };
        let headers = headers
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        let headers: Vec<_> = headers.collect();
        state.headers.extend(headers);
        state.sent.push(match event {
            Outbound::Start(start) => format!("start {}", start.status.as_u16()),
            Outbound::Body { data, more } => {
                let text = String::from_utf8_lossy(&data).into_owned();
                format!("{} {text:?}", if more { "body" } else { "end" })
            }
            Outbound::Response(response) => {
                let body = String::from_utf8_lossy(response.body().as_full().unwrap()).into_owned();
                format!("response {} {body:?}", response.status().as_u16())
            }
            event => panic!("unexpected {event:?}"),
        });
        Ok(())
    }

    fn closed(&self) -> Closed {
        self.0.0.lock().unwrap().closed.closed()
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }
}
