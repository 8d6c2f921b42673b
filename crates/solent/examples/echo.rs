//! The smallest consumer: every message back to its sender.

use solent::{Args, Error, Frame, NoEvents, Result, Solent, WebSocketConsumer, WebSocketContext};

#[derive(Default)]
struct Echo;

impl WebSocketConsumer for Echo {
    type Event = NoEvents;
    type Input = Frame;

    async fn receive(&mut self, cx: &mut WebSocketContext, frame: Frame) -> Result {
        cx.send(frame).await
    }
}

pub(crate) fn routes(app: Solent) -> Solent {
    app.websocket("ws/echo/", Echo::application())
}

fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().init();
    let app = routes(Solent::new()).bind("127.0.0.1:8000");
    app.args(Args::from_env()).run()
}
