//! From an HTTP connection to the socket under it.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;

use super::{
    engine::{Agreed, Decoder, Inflater},
    outbox::Outbox,
    reader::Reader,
};
use crate::connection::ConnectionIo;

/// Waits until hyper has written the response and let go of the socket.
pub(super) struct Upgrade {
    upgrade: OnUpgrade,
    agreed: Option<Agreed>,
}

impl Upgrade {
    pub(super) fn new(upgrade: OnUpgrade, agreed: Option<Agreed>) -> Self {
        Self { upgrade, agreed }
    }

    /// Hands the socket to `outbox`, or cuts it if there is none to hand over.
    pub(super) fn poll_attach(&mut self, outbox: &Outbox, cx: &mut Context<'_>) -> Poll<()> {
        match ready!(Pin::new(&mut self.upgrade).poll(cx)) {
            Ok(upgraded) => self.attach(upgraded, outbox, cx),
            Err(_) => outbox.cut(),
        }
        Poll::Ready(())
    }

    fn attach(&self, upgraded: Upgraded, outbox: &Outbox, cx: &Context<'_>) {
        let Ok(parts) = upgraded.downcast::<TokioIo<ConnectionIo>>() else {
            return outbox.cut();
        };
        let Some((stream, guard)) = parts.io.into_inner().into_parts() else {
            return outbox.cut();
        };
        let config = &outbox.core().config.websocket;
        stream.prepare_for_websocket(config.write_timeout.saturating_mul(2));
        let (read, write) = stream.into_split();
        let limits = Arc::clone(&outbox.core().limits);
        let decoder = Decoder::new(limits, self.agreed.as_ref().map(Inflater::new));
        // What came with the request's head must not keep the head's buffer alive.
        let early = Bytes::copy_from_slice(&parts.read_buf);
        let reader = Reader::new(read, decoder, early);
        outbox.attach(write, reader, guard, cx.waker());
    }
}
