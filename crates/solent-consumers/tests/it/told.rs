use std::{
    io,
    sync::{Arc, Mutex},
};

use solent_consumers::{NoEvents, WebSocketConsumer, WebSocketContext};
use solent_spec::{
    Application, Result,
    websocket::{Close, Frame},
};

use crate::support::{Socket, settle};

/// What was logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// The line with this message.
    fn line(&self, message: &str) -> String {
        let text = String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
        let line = text.lines().find(|line| line.contains(message));
        line.unwrap_or_else(|| panic!("no {message:?} in {text}"))
            .to_owned()
    }
}

/// Fails in every way at once.
#[derive(Default)]
struct Unlucky;

impl WebSocketConsumer for Unlucky {
    type Event = NoEvents;
    type Input = Frame;

    async fn connect(&mut self, cx: &mut WebSocketContext) -> Result {
        cx.spawn(async { Err("the task's own error".into()) });
        cx.spawn(async { panic!("asked to") });
        cx.accept().await
    }

    async fn receive(&mut self, _: &mut WebSocketContext, _: Frame) -> Result {
        Err("the handler's error".into())
    }

    async fn disconnect(&mut self, _: &mut WebSocketContext, _: Close) -> Result {
        Err("the second error".into())
    }
}

#[tokio::test]
async fn failures_are_told_with_consumer_and_path_and_the_second_is_not_lost() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let socket = Socket::new();
    let application = Unlucky::application();
    let connection = socket.connection(None);
    let running = tokio::spawn(async move { application.call(connection).await });
    settle().await;

    socket.send("fail");
    let error = running.await.unwrap().unwrap_err();

    assert_eq!(error.to_string(), "the handler's error");
    for (message, cause) in [
        ("background task failed", "the task's own error"),
        ("background task panicked", ""),
        ("disconnect failed", "the second error"),
    ] {
        let line = lines.line(message);
        assert!(
            line.contains("Unlucky") && line.contains("path=\"/") && line.contains(cause),
            "{line}"
        );
    }
}
