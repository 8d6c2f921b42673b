//! One request and its response.

use std::{fs, future::poll_fn, pin::Pin};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use http_body::Body as _;
use solent_spec::{
    Application, Body, Http,
    http::{HttpOrder, Inbound, Outbound},
};

use super::{TestResponse, file::read_part, rules::HttpRules};
use crate::{
    Communicator, CommunicatorConfig, CommunicatorError, TestRequest, communicator::within,
};

/// Sends one request to an application, in process, and receives its response.
///
/// ```
/// use solent_spec::{Connection, Http, RequestScope, Result, http::Outbound};
/// use solent_testing::HttpCommunicator;
///
/// async fn hello(mut connection: Connection<Http>) -> Result {
///     let greeting = format!("You asked for {}.", connection.scope().path());
///     Ok(connection.send(Outbound::text(greeting)).await?)
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result {
/// let mut client = HttpCommunicator::start(hello, "/test/?foo=bar")?;
/// let response = client.response().await?;
///
/// assert_eq!(response.status, 200);
/// assert_eq!(response.text()?, "You asked for /test/.");
/// # Ok(())
/// # }
/// ```
///
/// Bodies can be streamed both ways: [`send_body`](Self::send_body) and [`send_trailers`](Self::send_trailers) in place
/// of the request's own body, [`head`](Self::head) and [`chunk`](Self::chunk) in place of
/// [`response`](Self::response).
#[derive(Debug)]
#[must_use = "the application learns that its client is gone when the communicator is dropped"]
pub struct HttpCommunicator {
    communicator: Communicator<Http>,
    /// The request's body, until any of a body is sent.
    unsent: Option<Bytes>,
    order: HttpOrder,
    response: TestResponse,
    /// The body of a response that came as a whole.
    stream: Option<Body>,
}

impl HttpCommunicator {
    /// Starts `application` with a request, or the target of one.
    ///
    /// # Errors
    ///
    /// A request that is none.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn start(
        application: impl Application<Http>,
        request: impl Into<TestRequest>,
    ) -> Result<Self, CommunicatorError> {
        Self::with_config(application, request, CommunicatorConfig::default())
    }

    /// The same with settings.
    ///
    /// # Errors
    ///
    /// A request that is none.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn with_config(
        application: impl Application<Http>,
        request: impl Into<TestRequest>,
        config: CommunicatorConfig,
    ) -> Result<Self, CommunicatorError> {
        let request = request.into();
        let body = request.body.clone().map_err(CommunicatorError::request)?;
        let rules = HttpRules::new(request.features_offered().to_vec());
        let scope = request.http_scope()?;
        Ok(Self {
            communicator: Communicator::with_rules(application, scope, rules, config),
            unsent: Some(body),
            order: HttpOrder::default(),
            response: TestResponse::default(),
            stream: None,
        })
    }

    /// Sends the request's body, unless some other one was sent, and receives the whole response.
    ///
    /// # Errors
    ///
    /// What the application failed with or, if it did not complete a response,
    /// [`Ended`](CommunicatorError::Ended) or [`Elapsed`](CommunicatorError::Elapsed).
    pub async fn response(&mut self) -> Result<TestResponse, CommunicatorError> {
        self.head().await?;
        let mut body = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            body.extend_from_slice(&chunk);
        }
        let mut response = self.response.clone();
        response.body = body.freeze();
        Ok(response)
    }

    /// Sends a piece of the request's body in place of the request's own.
    ///
    /// # Errors
    ///
    /// The application does not read.
    pub async fn send_body(
        &mut self,
        data: impl Into<Bytes>,
        more: bool,
    ) -> Result<(), CommunicatorError> {
        self.unsent = None;
        let data = data.into();
        self.send_input(Inbound::Body { data, more }).await
    }

    /// Sends the request's trailers, after the last piece of its body.
    ///
    /// # Errors
    ///
    /// The application does not read.
    pub async fn send_trailers(&mut self, trailers: HeaderMap) -> Result<(), CommunicatorError> {
        self.send_input(Inbound::Trailers(trailers)).await
    }

    /// Receives status and headers, and sends the request's body before, unless some other one was sent.
    ///
    /// # Errors
    ///
    /// As [`response`](Self::response).
    pub async fn head(&mut self) -> Result<(StatusCode, &HeaderMap), CommunicatorError> {
        self.send_unsent().await?;
        while !self.order.is_started() {
            match self.receive("the start of a response").await? {
                Outbound::Start(start) => {
                    self.response.status = start.status;
                    self.response.headers = start.headers;
                }
                Outbound::Response(response) => {
                    let (head, body) = response.into_parts();
                    self.response.status = head.status;
                    self.response.headers = head.headers;
                    self.stream = Some(body);
                }
                Outbound::Debug(debug) => self.response.debug = debug,
                event => return Err(unexpected("the start of a response", &event)),
            }
        }
        Ok((self.response.status, &self.response.headers))
    }

    /// Receives the next piece of the body; `None` after the last one, and after the trailers if they were announced.
    ///
    /// # Errors
    ///
    /// As [`response`](Self::response).
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, CommunicatorError> {
        const WANTED: &str = "more of its response";
        self.head().await?;
        if self.stream.is_some() {
            return self.streamed(WANTED).await;
        }
        while self.order != HttpOrder::Done {
            let data = match self.receive(WANTED).await? {
                Outbound::Body { data, .. } => data,
                Outbound::PathSend(path) => fs::read(path)
                    .map_err(CommunicatorError::unreadable)?
                    .into(),
                Outbound::ZeroCopySend {
                    file,
                    offset,
                    count,
                    ..
                } => read_part(file, offset, count)
                    .map_err(CommunicatorError::unreadable)?
                    .into(),
                event => {
                    self.note(event)?;
                    continue;
                }
            };
            if !data.is_empty() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// The trailers that have been received.
    pub fn trailers(&self) -> &HeaderMap {
        &self.response.trailers
    }

    /// Leaves, as a client does that closes its connection, and waits for the application to end.
    ///
    /// # Errors
    ///
    /// What the application ended with, or a time-out.
    pub async fn disconnect(&mut self) -> Result<(), CommunicatorError> {
        self.communicator.leave();
        self.wait().await
    }

    /// Checks that the application sends nothing; see [`Communicator::receive_nothing`].
    ///
    /// # Errors
    ///
    /// [`Unexpected`](CommunicatorError::Unexpected) with what was sent; what the application failed with.
    pub async fn receive_nothing(&mut self) -> Result<(), CommunicatorError> {
        self.send_unsent().await?;
        self.communicator.receive_nothing().await
    }

    /// Waits until the application has ended; see [`Communicator::wait`].
    ///
    /// # Errors
    ///
    /// What the application ended with, or a time-out.
    pub async fn wait(&mut self) -> Result<(), CommunicatorError> {
        self.communicator.wait().await
    }

    /// The conversation event by event. What is received there is lost for the methods here.
    pub fn events(&mut self) -> &mut Communicator<Http> {
        &mut self.communicator
    }

    async fn send_unsent(&mut self) -> Result<(), CommunicatorError> {
        let Some(data) = self.unsent.clone() else {
            return Ok(());
        };
        self.send_body(data, false).await
    }

    /// An application that has ended need not read the request; what it ended with, receiving tells.
    async fn send_input(&mut self, event: Inbound) -> Result<(), CommunicatorError> {
        match self.communicator.send_input(event).await {
            Err(error) if error.is_elapsed() => Err(error),
            _ => Ok(()),
        }
    }

    async fn receive(&mut self, wanted: &'static str) -> Result<Outbound, CommunicatorError> {
        let event = self.communicator.receive(wanted).await?;
        // Its rules have allowed it; this keeps in step.
        let _ = self.order.sent(&event);
        Ok(event)
    }

    fn note(&mut self, event: Outbound) -> Result<(), CommunicatorError> {
        match event {
            Outbound::Trailers { headers, .. } => self.response.trailers.extend(headers),
            Outbound::EarlyHint { links } => self.response.early_hints.extend(links),
            Outbound::Push { path, .. } => self.response.pushes.push(path),
            event => return Err(unexpected("more of its response", &event)),
        }
        Ok(())
    }

    /// The next piece of a body that is a stream.
    async fn streamed(&mut self, wanted: &'static str) -> Result<Option<Bytes>, CommunicatorError> {
        let timeout = self.communicator.config().timeout;
        let Some(body) = &mut self.stream else {
            return Ok(None);
        };
        let trailers = &mut self.response.trailers;
        let next = async {
            loop {
                let Some(frame) = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await else {
                    return Ok(None);
                };
                match frame.map_err(CommunicatorError::unreadable)?.into_data() {
                    Ok(data) if data.is_empty() => {}
                    Ok(data) => return Ok(Some(data)),
                    Err(frame) => trailers.extend(frame.into_trailers().unwrap_or_default()),
                }
            }
        };
        within(timeout, wanted, next).await
    }
}

fn unexpected(wanted: &'static str, event: &Outbound) -> CommunicatorError {
    CommunicatorError::unexpected(wanted, format!("{event:?}"))
}
