//! What a response waits for.

use http::{HeaderMap, Response, StatusCode, header};
use solent_spec::{Body, BoxFuture};

use super::CookieJar;

/// What becomes of a response: it leaves with more headers, or another one takes its place.
pub type HookResult = Result<HeaderMap, Box<Response<Body>>>;

/// What is done before a response with a certain status leaves.
pub(crate) type Hook = Box<dyn FnOnce(StatusCode) -> BoxFuture<HookResult> + Send>;

/// Runs the hooks of `jar`, also those that hooks add, and empties it.
pub(super) async fn answer(jar: CookieJar, status: StatusCode) -> HookResult {
    let mut headers = HeaderMap::new();
    while let Some(hook) = jar.next_hook() {
        match hook(status).await {
            Ok(more) => append(&mut headers, more),
            Err(response) => {
                jar.close();
                return Err(response);
            }
        }
    }
    append(&mut headers, jar.close());
    Ok(headers)
}

/// Adds `more` to the headers of a response, none in place of another one. What it varies with is said once.
pub(super) fn append(headers: &mut HeaderMap, more: HeaderMap) {
    let mut last = None;
    for (name, value) in more {
        // A name is given with the first of its values only.
        last = name.or(last);
        let Some(name) = &last else { continue };
        let known = *name == header::VARY && headers.get_all(name).iter().any(|v| v == value);
        if !known {
            headers.append(name, value);
        }
    }
}
