//! A WebSocket as its application's transport.

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use solent_spec::{
    Closed, SendError, Transport, WebSocket,
    request::{Caller, UrlRoute},
    websocket::{
        Close, CloseCode, FrameSinkHandle, Inbound, Outbound, WebSocketOrder, WebSocketScope,
        WireVariant,
    },
};

use super::{
    engine::Deflater,
    handshake::Verdict,
    input::Arrived,
    outbox::{Outbox, Room},
};

/// What an application's connection is made of. Whatever is only needed for the handshake is boxed and let go.
pub(super) struct WebSocketTransport {
    outbox: Arc<Outbox>,
    order: WebSocketOrder,
    phase: Phase,
    /// Present if compression was agreed.
    deflater: Option<Box<Deflater>>,
    /// The application has a message of its client's and has not asked for another one since.
    answering: bool,
    /// More was at hand behind that message.
    more: bool,
    /// What was sent last found too much before it.
    full: bool,
}

enum Phase {
    /// The application has not answered.
    Connecting(Box<Connecting>),
    /// The application has accepted; the response is on its way.
    Upgrading,
    Open,
    /// Over; the last event waits to be received.
    Closed(Box<Close>),
    /// Over and received.
    Done,
}

struct Connecting {
    verdict: Arc<Verdict>,
    scope: WebSocketScope,
    /// Whose handshake it is, for the log.
    caller: Arc<Caller>,
    variant: WireVariant,
    /// The connect event has been received.
    announced: bool,
}

impl WebSocketTransport {
    pub(super) fn new(
        outbox: Arc<Outbox>,
        verdict: Arc<Verdict>,
        deflater: Option<Box<Deflater>>,
        variant: WireVariant,
        scope: WebSocketScope,
        caller: Arc<Caller>,
    ) -> Self {
        let connecting = Connecting {
            verdict,
            scope,
            caller,
            variant,
            announced: false,
        };
        Self {
            outbox,
            order: WebSocketOrder::default(),
            phase: Phase::Connecting(Box::new(connecting)),
            deflater,
            answering: false,
            more: false,
            full: false,
        }
    }

    /// Whether what is sent now can wait for the end of the turn: more input is at hand whose answers can leave with it, or
    /// it answers no input at all. Then others are likely to have something to send in this turn as well, and writes that
    /// follow upon one another are cheaper than writes between which applications run.
    fn is_corked(&self) -> bool {
        matches!(self.phase, Phase::Open) && (self.more || !self.answering)
    }

    /// The application's answer to the handshake.
    fn answer(&mut self, event: Outbound) {
        let accepted = matches!(event, Outbound::Accept(_));
        let next = if accepted {
            Phase::Done
        } else {
            Phase::Closed(Box::new(CloseCode::ABNORMAL.into()))
        };
        let Phase::Connecting(connecting) = std::mem::replace(&mut self.phase, next) else {
            return;
        };
        let Connecting {
            verdict, variant, ..
        } = *connecting;
        if accepted {
            self.outbox.open(variant);
            self.phase = Phase::Upgrading;
        }
        verdict.give(event);
    }

    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Inbound> {
        if !self.more
            && let Some(bell) = self.outbox.bell()
            && bell.is_silent()
            && bell.is_silent_for(cx.waker())
        {
            self.answering = false;
            return Poll::Pending;
        }
        loop {
            let Poll::Ready((arrived, more)) = self.outbox.input().poll_next(&self.outbox, cx)
            else {
                (self.answering, self.more) = (false, false);
                return Poll::Pending;
            };
            self.more = more;
            match arrived {
                // What comes after the application has closed is of no interest any more.
                Arrived::Message(frame) if self.order == WebSocketOrder::Open => {
                    self.answering = true;
                    return Poll::Ready(Inbound::Message(frame));
                }
                Arrived::Message(_) => {}
                Arrived::Closed(close) => return Poll::Ready(self.closed(close)),
                Arrived::Lost => return Poll::Ready(self.lost()),
            }
        }
    }

    /// The stream ended without a close frame, or after the server's own.
    fn lost(&mut self) -> Inbound {
        self.outbox.cut();
        let code = self.outbox.ended_with().unwrap_or(CloseCode::ABNORMAL);
        self.closed(code.into())
    }

    fn closed(&mut self, close: Close) -> Inbound {
        self.order.disconnected();
        self.phase = Phase::Done;
        Inbound::Disconnect(close)
    }
}

impl Transport<WebSocket> for WebSocketTransport {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Inbound>> {
        loop {
            match &mut self.phase {
                Phase::Open => return self.poll_open(cx).map(Some),
                Phase::Connecting(connecting) if !connecting.announced => {
                    connecting.announced = true;
                    return Poll::Ready(Some(Inbound::Connect));
                }
                Phase::Connecting(connecting) => {
                    ready!(connecting.verdict.poll_gone(cx));
                    return Poll::Ready(Some(self.lost()));
                }
                Phase::Upgrading if ready!(self.outbox.poll_arrival(cx)) => {
                    self.phase = Phase::Open;
                }
                Phase::Upgrading => return Poll::Ready(Some(self.lost())),
                Phase::Closed(close) => {
                    let close = (**close).clone();
                    return Poll::Ready(Some(self.closed(close)));
                }
                Phase::Done => return Poll::Ready(None),
            }
        }
    }

    fn start_send(&mut self, event: Outbound) -> Result<(), SendError> {
        match &self.phase {
            Phase::Connecting(connecting) => self.order.sent(&event, &connecting.scope)?,
            _ => self.order.sent_checked(&event)?,
        }
        let corked = self.is_corked();
        let room = match event {
            Outbound::Message(frame) => {
                self.outbox
                    .send(frame, self.deflater.as_deref_mut(), corked)?
            }
            Outbound::Shared(frame) => self.outbox.send_shared(&frame, corked)?,
            Outbound::Close(close) if !matches!(self.phase, Phase::Connecting(_)) => {
                self.outbox.close(&close)?;
                self.outbox.input().discard_messages();
                Room::Enough
            }
            answer => {
                self.answer(answer);
                Room::Enough
            }
        };
        self.full = room == Room::Full;
        Ok(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        match self.phase {
            Phase::Open | Phase::Upgrading if self.full && self.order == WebSocketOrder::Open => {
                ready!(self.outbox.poll_room(cx))?;
                self.full = false;
            }
            _ => {}
        }
        Poll::Ready(Ok(()))
    }

    fn direct(&mut self) -> Option<FrameSinkHandle> {
        // A ready frame would go round a compressor that has to see every message.
        if self
            .deflater
            .as_ref()
            .is_some_and(|deflater| !deflater.is_shareable())
        {
            return None;
        }
        self.outbox.sink().map(|outbox| outbox as FrameSinkHandle)
    }

    fn closed(&self) -> Closed {
        self.outbox.closed()
    }

    fn routed(&mut self, route: &UrlRoute) {
        if let Phase::Connecting(connecting) = &self.phase {
            connecting.caller.set_route(route);
        }
    }

    fn take_overhead(&mut self) -> usize {
        self.outbox.input().take_overhead()
    }
}
