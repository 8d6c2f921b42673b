//! The transport of a connection that came with a token.

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{HeaderValue, StatusCode, header};
use solent_spec::{BoxFuture, Chain, Closed, HttpProtocol, SendError, Transport};

use super::{
    Credential, RefreshError, TokenConfig,
    message::{self, Presented},
};

/// Takes newer tokens out of what the client sends, and sees the response leave.
pub(super) struct TokenTransport<P: HttpProtocol> {
    inner: Box<dyn Transport<P>>,
    credential: Credential,
    config: Arc<TokenConfig>,
    /// Whether only the client may cache responses, since nothing else in the request says so.
    private: bool,
    /// A newer token that is being verified. What the client has sent after it waits.
    verifying: Option<BoxFuture<Result<(), RefreshError>>>,
    /// How many tokens in a row were refused.
    refused: u32,
}

/// Who is refused so often does not mean well.
const MAX_REFUSED: u32 = 5;

impl<P: HttpProtocol> TokenTransport<P> {
    pub(super) fn new(
        inner: Box<dyn Transport<P>>,
        credential: Credential,
        config: Arc<TokenConfig>,
        private: bool,
    ) -> Self {
        Self {
            inner,
            credential,
            config,
            private,
            verifying: None,
            refused: 0,
        }
    }

    /// Waits until a newer token has been verified, if there is one.
    fn poll_verifying(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(verifying) = &mut self.verifying {
            let outcome = match verifying.as_mut().poll(cx) {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => {
                    // Receiving is also what writes the rest of what was sent.
                    let _ = self.inner.poll_flush(cx);
                    return Poll::Pending;
                }
            };
            self.verifying = None;
            self.answer(outcome);
        }
        Poll::Ready(())
    }

    fn answer(&mut self, outcome: Result<(), RefreshError>) {
        let answer = match outcome {
            Ok(()) => {
                self.refused = 0;
                message::accepted(self.credential.lifetime().left())
            }
            Err(RefreshError::Unavailable(error)) => {
                tracing::warn!(
                    target: "solent::auth", error = %Chain(&error),
                    "could not verify a newer token of an open socket",
                );
                message::unavailable()
            }
            Err(error) => {
                tracing::info!(
                    target: "solent::auth", user = ?self.credential.identity().id(), error = %Chain(&error),
                    "refused a newer token of an open socket",
                );
                self.refused += 1;
                message::refused()
            }
        };
        // A socket that is being closed takes no more; its client need not know.
        if let Some(answer) = P::notice(answer) {
            let _ = self.inner.start_send(answer);
        }
        if self.refused >= MAX_REFUSED {
            for event in P::end(self.config.close.clone()) {
                let _ = self.inner.start_send(event);
            }
        }
    }

    fn presented(&self, event: &P::Inbound) -> Option<Presented> {
        if !self.config.refresh {
            return None;
        }
        message::presented(P::message(event)?, self.config.max_len)
    }
}

impl<P: HttpProtocol> Transport<P> for TokenTransport<P> {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<P::Inbound>> {
        loop {
            ready!(self.poll_verifying(cx));
            let event = ready!(self.inner.poll_receive(cx));
            match event.as_ref().and_then(|event| self.presented(event)) {
                Some(Presented::Token(token)) => {
                    self.verifying = Some(self.credential.begin_refresh(token));
                }
                Some(Presented::Unusable) => self.answer(Err(RefreshError::Refused)),
                None => return Poll::Ready(event),
            }
        }
    }

    fn start_send(&mut self, mut event: P::Outbound) -> Result<(), SendError> {
        let status = P::response_status(&event);
        if self.private
            && let Some(headers) = P::response_headers(&mut event)
            && !headers.contains_key(header::CACHE_CONTROL)
        {
            // RFC 6750 §2.3.
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
        }
        self.inner.start_send(event)?;
        if status == Some(StatusCode::SWITCHING_PROTOCOLS) {
            self.credential.lifetime().opened();
        }
        Ok(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.inner.poll_flush(cx)
    }

    fn direct(&mut self) -> Option<P::Direct> {
        self.inner.direct()
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
