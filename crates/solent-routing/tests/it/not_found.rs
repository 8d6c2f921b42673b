use solent_routing::Router;
use solent_spec::{WebSocket, request::Feature};

use super::driver::{app, built, connect, get, get_under, one};

fn websockets() -> Router<WebSocket> {
    built(Router::builder().route("ws/", app(1)))
}

#[test]
fn request_is_answered_with_404() {
    assert_eq!(get(&one("a/"), "/b/").answer, 404);
}

#[test]
fn handshake_is_refused_with_404() {
    let answer = |path| connect(&websockets(), &[Feature::DenialResponse], path).answer;

    assert_eq!(answer("/ws/"), 1);
    assert_eq!(answer("/other/"), 404);
}

#[test]
fn handshake_is_refused_with_403_at_a_server_without_denial_responses() {
    assert_eq!(connect(&websockets(), &[], "/other/").answer, 403);
}

#[test]
fn fallback_answers_instead() {
    let router = built(Router::builder().route("a/", app(1)).fallback(app(2)));

    let seen = get(&router, "/b/c");
    assert_eq!((seen.answer, &*seen.rest, &*seen.pattern), (2, "/b/c", ""));
    assert_eq!(get_under(&router, "/root", "/b/c").answer, 2);
    assert!(router.resolve("/b/c").is_none());
    assert!(one("").resolve("/").is_some());
}
