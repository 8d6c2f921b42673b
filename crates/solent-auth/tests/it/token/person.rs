//! Users, and a verifier whose tokens say what becomes of them.

use std::{
    borrow::Cow,
    future::pending,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use solent_auth::{Auth, AuthUser, BackendError, TokenVerifier, Verified};
use solent_spec::{
    BoxApplication, Connection, Http, Middleware, RequestScope, Result, WebSocket,
    http::Outbound as HttpOutbound,
    websocket::{Inbound, Outbound},
};
use solent_testing::{HttpCommunicator, TestRequest, TestResponse};

/// A user, and the whole token that it came with.
#[derive(Debug, PartialEq)]
pub(crate) struct Person {
    name: String,
    pub(crate) token: String,
}

impl AuthUser for Person {
    fn id(&self) -> Cow<'_, str> {
        (&*self.name).into()
    }
}

/// Takes `name` and `name~seconds`, and whatever comes after a slash. `bad` is no good, `down` fails, `slow` takes for ever. The
/// tokens of `once` are used up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sesame {
    asked: Arc<Mutex<Vec<String>>>,
    /// Who may not stay.
    pub(crate) banned: Arc<Mutex<Vec<String>>>,
}

impl Sesame {
    /// The tokens that were to be verified.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl TokenVerifier for Sesame {
    type User = Person;

    async fn verify(&self, token: &str) -> Result<Option<Verified<Person>>, BackendError> {
        let again = {
            let mut asked = self.asked.lock().unwrap();
            let again = asked.iter().any(|other| other == token);
            asked.push(token.to_owned());
            again
        };
        let (word, _) = token.split_once('/').unwrap_or((token, ""));
        let (name, seconds) = match word.split_once('~') {
            Some((name, seconds)) => (name, seconds.parse().ok()),
            None => (word, None),
        };
        match name {
            "bad" => return Ok(None),
            "once" if again => return Ok(None),
            "down" => return Err(BackendError::new("the directory is down")),
            "slow" => pending().await,
            _ => {}
        }
        let until = seconds.map(|seconds| SystemTime::now() + Duration::from_secs(seconds));
        let person = Person {
            name: name.into(),
            token: token.into(),
        };
        Ok(Some(Verified::new(person).until(until)))
    }

    async fn holds(&self, user: &Person) -> Result<bool, BackendError> {
        Ok(!self.banned.lock().unwrap().contains(&user.name))
    }
}

/// Whose connection it is, as far as the scope knows.
fn who(scope: &impl RequestScope) -> String {
    match scope.state::<Auth<Person>>() {
        Some(auth) => auth
            .known()
            .map_or("nobody".into(), |person| person.token.clone()),
        None => "unknown".into(),
    }
}

/// Says whose request it is.
pub(crate) async fn whose(mut connection: Connection<Http>) -> Result {
    let answer = who(connection.scope());
    Ok(connection.send(HttpOutbound::text(answer)).await?)
}

/// Says whose socket it is, now and whenever it is asked; echoes everything else.
pub(crate) async fn whose_socket(mut connection: Connection<WebSocket>) -> Result {
    while let Some(event) = connection.receive().await {
        match event {
            Inbound::Connect => {
                connection.send(Outbound::accept()).await?;
                let answer = who(connection.scope());
                connection.send(Outbound::Message(answer.into())).await?;
            }
            Inbound::Message(frame) if frame.as_text() == Some("who?") => {
                let answer = who(connection.scope());
                connection.send(Outbound::Message(answer.into())).await?;
            }
            Inbound::Message(frame) => connection.send(frame.into()).await?,
            Inbound::Disconnect(_) => break,
        }
    }
    Ok(())
}

pub(crate) async fn get(
    middleware: &impl Middleware,
    request: impl Into<TestRequest>,
) -> TestResponse {
    let application = middleware.wrap(BoxApplication::<Http>::new(whose));
    let mut client = HttpCommunicator::start(application, request).unwrap();
    client.response().await.unwrap()
}

pub(crate) fn socket(middleware: &impl Middleware) -> BoxApplication<WebSocket> {
    middleware.wrap(BoxApplication::new(whose_socket))
}

/// A request with a token in its header.
pub(crate) fn bearer(token: &str) -> TestRequest {
    TestRequest::get("/").header("authorization", format!("Bearer {token}"))
}

/// A message with a token.
pub(crate) fn presenting(token: &str) -> String {
    serde_json::json!({ "type": "auth.token", "token": token }).to_string()
}
