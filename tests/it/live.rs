use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result, bail};
use futures::{SinkExt, StreamExt};
use serde_json::Value;
use solent::{Solent, app::StopHandle, spec::request::ServerAddr};
use tokio::{net::TcpStream, task::JoinHandle, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

/// Longer than anything here takes, and short enough for a test that hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An application that serves on a port of its own.
pub(crate) struct Live {
    pub(crate) addr: SocketAddr,
    pub(crate) layer: solent::layer::DynLayer,
    handle: StopHandle,
    serving: JoinHandle<Result<(), solent::Error>>,
}

impl Live {
    pub(crate) async fn start(app: Solent) -> Result<Self> {
        let bound = app.bind("127.0.0.1:0").listen().await?;
        let addr = match bound.addresses().first() {
            Some(ServerAddr::Tcp(addr)) => *addr,
            other => bail!("expected a TCP address, got {other:?}"),
        };
        let (layer, handle) = (bound.layer().clone(), bound.handle());
        Ok(Self {
            addr,
            layer,
            handle,
            serving: tokio::spawn(bound.serve()),
        })
    }

    pub(crate) async fn connect(&self, path: &str) -> Result<Client> {
        self.connect_with(path, []).await
    }

    /// Connects with headers of the client's own.
    pub(crate) async fn connect_with<'a>(
        &self,
        path: &str,
        headers: impl IntoIterator<Item = (&'static str, &'a str)>,
    ) -> Result<Client> {
        Client::connect(self.addr, path, headers).await
    }

    pub(crate) fn stop(&self) {
        self.handle.stop();
    }

    /// Waits for the end of a server that has been told to stop.
    pub(crate) async fn ended(self) -> Result<()> {
        Ok(timeout(PATIENCE, self.serving)
            .await
            .context("the server did not end")???)
    }
}

pub(crate) struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    pub(crate) async fn connect<'a>(
        addr: SocketAddr,
        path: &str,
        headers: impl IntoIterator<Item = (&'static str, &'a str)>,
    ) -> Result<Self> {
        let mut request = format!("ws://{addr}{path}").into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(name, value.parse()?);
        }
        Ok(Self(timeout(PATIENCE, connect_async(request)).await??.0))
    }

    pub(crate) async fn send(&mut self, value: &Value) -> Result<()> {
        Ok(self.0.send(Message::text(value.to_string())).await?)
    }

    pub(crate) async fn next(&mut self) -> Result<Message> {
        let next = timeout(PATIENCE, self.0.next())
            .await
            .context("nothing came")?;
        Ok(next.context("the connection ended")??)
    }

    /// The value that comes next; pings in between are answered.
    pub(crate) async fn json(&mut self) -> Result<Value> {
        loop {
            let next = self.next().await?;
            if !next.is_ping() {
                return Ok(serde_json::from_str(next.to_text()?)?);
            }
        }
    }

    /// The code of the close frame that comes after any number of messages.
    pub(crate) async fn close_code(&mut self) -> Result<u16> {
        loop {
            if let Message::Close(frame) = self.next().await? {
                return Ok(frame.map_or(1005, |frame| frame.code.into()));
            }
        }
    }
}
