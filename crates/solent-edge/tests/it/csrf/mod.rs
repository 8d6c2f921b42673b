//! Django's CSRF tokens.

// Which requests pass that Django takes and refuses.
mod django;
// Tokens in the body.
mod form;
// Origins and referers.
mod provenance;
// Secrets in sessions.
mod session;
// Tokens, cookies and headers.
mod token;

use http::{Method, StatusCode};
use solent_edge::{Csrf, CsrfError, CsrfScope};
use solent_spec::{
    BoxApplication, Connection, Http, Middleware, RequestScope, Result,
    http::{Inbound, Outbound},
};
use solent_testing::{HttpCommunicator, TestRequest, TestResponse};

/// A secret, and a token that Django made of it.
const SECRET: &str = "abcdefghijklmnopqrstuvwxyzABCDEF";
const TOKEN: &str = "q1W2e3R4t5Y6u7I8o9P0aSdFgHjKlZxCq2Y5i8XbBe8hGkWnEq7judz2E6JbNs17";
/// A token of another secret.
const OTHER: &str = "q1W2e3R4t5Y6u7I8o9P0aSdFgHjKlZxCq1W2e3R4t5Y6u7I8o9P0aSdFgHjKlZxC";

const FORM: &str = "application/x-www-form-urlencoded";

/// Answers `GET` with a token, and everything else with what it was sent.
async fn shop(mut connection: Connection<Http>) -> Result {
    let method = connection.scope().head().method().clone();
    let csrf = connection.scope().csrf().cloned().ok_or("no handle")?;
    let text = match (&method, connection.scope().path()) {
        (&Method::GET, "/form/") => csrf.token().await?,
        (&Method::GET, "/login/") => {
            let before = csrf.token().await?;
            csrf.rotate().await?;
            assert!(matches!(csrf.check(&before).await, Err(CsrfError::Token)));
            csrf.token().await?
        }
        (&Method::GET, _) => "hello".to_owned(),
        _ => body(&mut connection).await,
    };
    Ok(connection.send(Outbound::text(text)).await?)
}

async fn body(connection: &mut Connection<Http>) -> String {
    let mut body = Vec::new();
    while let Some(Inbound::Body { data, more }) = connection.receive().await {
        body.extend_from_slice(&data);
        if !more {
            break;
        }
    }
    String::from_utf8(body).unwrap()
}

fn start(csrf: &Csrf, request: TestRequest) -> HttpCommunicator {
    let application = csrf.wrap(BoxApplication::<Http>::new(shop));
    HttpCommunicator::start(application, request).unwrap()
}

async fn answer(csrf: &Csrf, request: TestRequest) -> TestResponse {
    start(csrf, request).response().await.unwrap()
}

async fn status(csrf: &Csrf, request: TestRequest) -> StatusCode {
    answer(csrf, request).await.status
}

/// A `POST` request with the cookie.
fn post() -> TestRequest {
    TestRequest::post("http://example.com/order/").header("cookie", format!("csrftoken={SECRET}"))
}

/// The same over TLS, with a token.
fn tls() -> TestRequest {
    TestRequest::post("https://example.com/order/")
        .header("cookie", format!("csrftoken={SECRET}"))
        .header("x-csrftoken", TOKEN)
}

/// The value of the cookie that a response sets.
fn cookie(response: &TestResponse) -> Option<&str> {
    let cookie = response.header("set-cookie")?;
    cookie.strip_prefix("csrftoken=")?.split(';').next()
}
