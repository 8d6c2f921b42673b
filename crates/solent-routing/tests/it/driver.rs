use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use futures::executor::block_on;
use solent_routing::Router;
use solent_spec::{
    Application, BoxApplication, Connection, Http, RequestScope, Result, SendError, Transport,
    http::{HttpScope, Receive, ResponseStart, Send},
    request::{Link, Listener},
};

/// What a request ended in.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Seen {
    pub(crate) status: Option<u16>,
    /// The number of the application that was called.
    pub(crate) application: u16,
    pub(crate) params: Vec<String>,
    pub(crate) args: Vec<String>,
    pub(crate) rest: String,
    pub(crate) pattern: String,
}

struct Recorder(Arc<Mutex<Seen>>);

impl Transport<Http> for Recorder {
    fn poll_receive(&mut self, _: &mut Context<'_>) -> Poll<Option<Receive>> {
        Poll::Ready(None)
    }

    fn start_send(&mut self, event: Send) -> std::result::Result<(), SendError> {
        match event {
            Send::Start(start) => self.0.lock().unwrap().application = start.status.as_u16(),
            Send::Response(response) => {
                self.0.lock().unwrap().status = Some(response.status().as_u16())
            }
            _ => {}
        }
        Ok(())
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<std::result::Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }
}

/// An application that can be told from others: it answers with its number, from 100, as a status.
pub(crate) fn app(number: u16) -> impl Application<Http> {
    move |mut connection: Connection<Http>| async move {
        let start = ResponseStart::new(http::StatusCode::from_u16(number)?);
        let scope = connection.scope();
        let mut headers = start.header(http::header::SERVER, "x".parse()?);
        let _ = (&mut headers, scope);
        NOTES.with_borrow_mut(|notes| *notes = Some(note(connection.scope())));
        connection.send(headers.into()).await?;
        Result::Ok(())
    }
}

thread_local! {
    static NOTES: std::cell::RefCell<Option<Seen>> = const { std::cell::RefCell::new(None) };
}

fn note(scope: &HttpScope) -> Seen {
    let route = scope.link().url_route();
    Seen {
        params: route
            .into_iter()
            .flat_map(|r| r.params().map(|(n, v)| format!("{n}={v}")))
            .collect(),
        args: route
            .into_iter()
            .flat_map(|r| r.args().map(String::from))
            .collect(),
        rest: scope.target().rest().to_owned(),
        pattern: route.map(|r| r.pattern().to_owned()).unwrap_or_default(),
        ..Seen::default()
    }
}

/// Sends a request for `path` through `router`.
pub(crate) fn get(router: &Router<Http>, path: &str) -> Seen {
    get_under(router, "", path)
}

/// The same for an application that is mounted at `root_path`.
pub(crate) fn get_under(router: &Router<Http>, root_path: &str, path: &str) -> Seen {
    let listener = Listener::new(None, Vec::new()).root_path(root_path);
    let (parts, ()) = http::Request::get(path).body(()).unwrap().into_parts();
    let scope = HttpScope::new(parts, Link::new(None, listener.into())).unwrap();
    let seen = Arc::new(Mutex::new(Seen::default()));
    NOTES.with_borrow_mut(Option::take);
    block_on(
        BoxApplication::new(router.clone())
            .call(Connection::new(scope, Recorder(Arc::clone(&seen)))),
    )
    .unwrap();
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    let notes = NOTES.with_borrow_mut(Option::take).unwrap_or_default();
    Seen {
        status: seen.status,
        application: seen.application,
        ..notes
    }
}

impl Seen {
    pub(crate) fn is_not_found(&self) -> bool {
        self.status == Some(404) && self.application == 0
    }
}
