//! Applications that do what their clients say.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use solent_auth::{AuthScope, AuthStack, AuthUser, Tickets};
use solent_layer::DynLayer;
use solent_session::SessionKey;
use solent_spec::{
    Application, BoxApplication, Connection, Http, Middleware, RequestScope, Result, WebSocket,
    http::Outbound as HttpOutbound,
    request::Feature,
    websocket::{Inbound, Outbound},
};
use solent_testing::{
    CommunicatorConfig, HttpCommunicator, TestRequest, TestResponse, WebSocketCommunicator,
};

use super::site::{People, Person};

/// What a user is called in answers.
fn named(user: Option<Arc<Person>>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.id().into_owned())
}

/// Does what one line says, and says who it is then.
async fn obey(scope: &impl RequestScope, people: &People, line: &str) -> Result<String> {
    let auth = scope.auth::<Person>()?.clone();
    let session = scope.session()?.clone();
    match line.split_once(' ').unwrap_or((line, "")) {
        ("login", id) => auth.login(people.get(id).ok_or("no such person")?).await?,
        ("login-and-fail", id) => {
            auth.login(people.get(id).ok_or("no such person")?).await?;
            session.insert("half", "done").await?;
        }
        ("login-with", backend) => {
            let ann = people.get("ann").ok_or("no such person")?;
            auth.login_with(ann, backend).await?;
        }
        ("ticket", id) => {
            let ticket = auth.login_ticket(people.get(id).ok_or("no such person")?);
            return Ok(ticket.await?.as_str().to_owned());
        }
        ("new-password", id) => {
            people.set_password(id, "another");
            auth.password_changed(people.get(id).ok_or("no such person")?)
                .await?;
        }
        ("flush", _) => session.flush().await?,
        ("clear", _) => session.clear(),
        ("logout", _) => auth.logout().await?,
        ("recheck", _) => drop(auth.recheck().await?),
        ("put", colour) => session.insert("colour", colour).await?,
        ("colour", _) => return Ok(session.get("colour").await?.unwrap_or_default()),
        ("identity", _) => return Ok(format!("{:?}", auth.identity().id())),
        ("stay", _) => return Ok("staying".into()),
        _ => {}
    }
    Ok(named(auth.user().await?))
}

/// Obeys the query, and answers with who it is. `?stay` streams.
pub(crate) fn page(people: &People) -> impl Application<Http> + use<> {
    let people = people.clone();
    move |mut connection: Connection<Http>| {
        let people = people.clone();
        async move {
            let line = connection.scope().query().replace('+', " ");
            if connection.scope().path() == "/ticket/" {
                return Tickets::<Person>::new().call(connection).await;
            }
            let answer = match obey(connection.scope(), &people, &line).await {
                Ok(answer) => answer,
                Err(error) => format!("error: {error}"),
            };
            if line.starts_with("login-and-fail") {
                let mut response = http::Response::new(answer.into());
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                return Ok(connection.send(response.into()).await?);
            }
            if line != "stay" {
                return Ok(connection.send(HttpOutbound::text(answer)).await?);
            }
            connection.feed(HttpOutbound::start(StatusCode::OK))?;
            connection.send(HttpOutbound::chunk(answer)).await?;
            while connection.receive().await != Some(solent_spec::http::Inbound::Disconnect) {}
            Ok(())
        }
    }
}

/// Obeys the query before it accepts, and each message after; answers with who it is.
pub(crate) fn socket(people: &People) -> impl Application<WebSocket> + use<> {
    let people = people.clone();
    move |mut connection: Connection<WebSocket>| {
        let people = people.clone();
        async move {
            while let Some(event) = connection.receive().await {
                match event {
                    Inbound::Connect => {
                        let line = connection.scope().query().replace('+', " ");
                        obey(connection.scope(), &people, &line).await?;
                        connection.send(Outbound::accept()).await?;
                    }
                    Inbound::Message(frame) => {
                        let line = frame.as_text().unwrap_or_default();
                        let answer = match obey(connection.scope(), &people, line).await {
                            Ok(answer) => answer,
                            Err(error) => format!("error: {error}"),
                        };
                        connection.send(Outbound::Message(answer.into())).await?;
                    }
                    Inbound::Disconnect(_) => break,
                }
            }
            Ok(())
        }
    }
}

/// Clients that wait longer than any check is away.
fn patient() -> CommunicatorConfig {
    CommunicatorConfig::default().timeout(Duration::from_secs(600))
}

/// A server: the site's applications behind a stack, and a layer perhaps.
#[derive(Clone)]
pub(crate) struct Server {
    page: BoxApplication<Http>,
    socket: BoxApplication<WebSocket>,
    layer: Option<DynLayer>,
}

impl Server {
    pub(crate) fn new(stack: &AuthStack<Person>, people: &People) -> Self {
        Self {
            page: stack.wrap(BoxApplication::new(page(people))),
            socket: stack.wrap(BoxApplication::new(socket(people))),
            layer: None,
        }
    }

    pub(crate) fn layer(mut self, layer: &DynLayer) -> Self {
        self.layer = Some(layer.clone());
        self
    }

    fn request(&self, request: TestRequest, key: Option<&SessionKey>) -> TestRequest {
        let request = match &self.layer {
            Some(layer) => request.state(layer.clone()),
            None => request,
        };
        match key {
            Some(key) => request.header("cookie", format!("sessionid={}", key.as_str())),
            None => request,
        }
    }

    /// Sends a request and receives the response.
    pub(crate) async fn send(
        &self,
        request: TestRequest,
        key: Option<&SessionKey>,
    ) -> TestResponse {
        let request = self.request(request, key);
        let mut client = HttpCommunicator::start(self.page.clone(), request).unwrap();
        client.response().await.unwrap()
    }

    /// Asks for a page, which obeys `line`.
    pub(crate) async fn get(&self, line: &str, key: Option<&SessionKey>) -> TestResponse {
        let target = format!("/?{}", line.replace(' ', "+"));
        self.send(TestRequest::get(target), key).await
    }

    /// Who a page says it is.
    pub(crate) async fn who(&self, key: Option<&SessionKey>) -> String {
        let response = self.get("", key).await;
        response.text().unwrap().to_owned()
    }

    /// Asks for a page that is streamed until the connection ends.
    pub(crate) async fn stream(&self, key: Option<&SessionKey>) -> HttpCommunicator {
        let request = self.request(TestRequest::get("/?stay"), key);
        let client = HttpCommunicator::with_config(self.page.clone(), request, patient());
        let mut client = client.unwrap();
        assert_eq!(client.chunk().await.unwrap().unwrap(), "staying");
        client
    }

    /// Opens a socket whose server obeys `line` before it accepts.
    pub(crate) async fn open(
        &self,
        line: &str,
        key: Option<&SessionKey>,
    ) -> (Socket, solent_testing::Accepted) {
        let target = format!("/?{}", line.replace(' ', "+"));
        let request = self.request(TestRequest::get(target), key);
        let application = self.socket.clone();
        let client = WebSocketCommunicator::with_config(application, request, patient());
        let mut client = client.unwrap();
        let accepted = client.connect().await.unwrap().accepted().unwrap();
        (Socket(client), accepted)
    }

    /// Opens a socket.
    pub(crate) async fn connect(&self, key: Option<&SessionKey>) -> Socket {
        self.open("", key).await.0
    }

    /// The status that a handshake is refused with, as a server sees it that offers denial responses.
    pub(crate) async fn refused(&self, request: TestRequest, key: Option<&SessionKey>) -> u16 {
        let request = self
            .request(request, key)
            .features([Feature::DenialResponse]);
        let mut client = WebSocketCommunicator::start(self.socket.clone(), request).unwrap();
        let rejection = client.connect().await.unwrap().rejected().unwrap();
        rejection.status()
    }
}

/// A client of a socket.
pub(crate) struct Socket(pub(crate) WebSocketCommunicator);

impl Socket {
    /// Says a line, and returns the answer.
    pub(crate) async fn say(&mut self, line: &str) -> String {
        self.0.send_text(line).await.unwrap();
        self.0.receive_text().await.unwrap()
    }

    /// The code that the server closes with.
    pub(crate) async fn closed(&mut self) -> u16 {
        let close = self.0.receive_close().await.unwrap();
        self.0.wait().await.unwrap();
        close.code.as_u16()
    }

    /// Checks that the socket is open.
    pub(crate) async fn stays(&mut self) {
        self.0.receive_nothing().await.unwrap();
        assert_eq!(self.say("stay").await, "staying");
    }
}

/// The key in the session cookie that a response sets; `None` if it removes it or sets none.
pub(crate) fn cookie_key(headers: &http::HeaderMap) -> Option<SessionKey> {
    let cookie = headers.get("set-cookie")?.to_str().unwrap();
    let value = cookie.strip_prefix("sessionid=")?.split(';').next()?;
    SessionKey::parse(value).ok()
}
