//! Ready frames from any task.

use std::sync::Arc;

use solent_spec::{
    WebSocket,
    websocket::{FrameSink, FrameSinkHandle, Outbound, SharedFrame, SinkRefusal},
};

use crate::queues::{Queues, Refusal};

/// Queues frames behind what the application sends itself.
struct QueueSink(Queues<WebSocket>);

pub(super) fn direct(queues: &Queues<WebSocket>) -> FrameSinkHandle {
    Arc::new(QueueSink(queues.clone()))
}

impl FrameSink for QueueSink {
    fn send_frame(&self, frame: &SharedFrame) -> Result<(), SinkRefusal> {
        self.0
            .offer(Outbound::Shared(frame.clone()))
            .map_err(|refusal| match refusal {
                Refusal::Full => SinkRefusal::Full,
                Refusal::Rules(error) if error.is_closed() => SinkRefusal::Closed,
                Refusal::Rules(_) => SinkRefusal::NotOpen,
            })
    }
}
