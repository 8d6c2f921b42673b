//! Every way that a login ends closes its sockets at once, on all servers that share a layer. None of these servers ever looks
//! at a login without being told to.

use std::time::Duration;

use http::StatusCode;
use solent_auth::AuthConfig;
use solent_layer::DynLayer;
use solent_layer_memory::MemoryLayer;
use solent_session::{Expiry, SessionKey, SessionStore, Sessions};
use tokio::time::timeout;

use super::{
    applications::{Server, cookie_key},
    site::Site,
};

/// A server that is asked for pages, and another one with the sockets.
fn two_servers(site: &Site) -> (Server, Server) {
    let layer = DynLayer::new(MemoryLayer::default());
    let config = AuthConfig::default().check_interval(Duration::ZERO);
    let server = || {
        let stack = site.stack().config(config.clone());
        Server::new(&stack, &site.people).layer(&layer)
    };
    (server(), server())
}

#[tokio::test(start_paused = true)]
async fn whatever_ends_a_session_closes_its_sockets_and_no_others() {
    for line in ["logout", "login bob", "flush", "clear"] {
        let site = Site::new();
        let (pages, sockets) = two_servers(&site);
        let key = site.session_of("ann").await;
        let mut socket = sockets.connect(Some(&key)).await;
        let mut other = sockets.connect(Some(&site.session_of("ann").await)).await;

        let response = pages.get(line, Some(&key)).await;

        assert_eq!(response.status, StatusCode::OK, "{line}");
        assert_eq!(socket.closed().await, 4401, "{line}");
        other.stays().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_changes_the_own_password_keeps_the_own_sockets() {
    let site = Site::new();
    let (pages, sockets) = two_servers(&site);
    let (here, there) = (site.session_of("ann").await, site.session_of("ann").await);
    let mut own = sockets.connect(Some(&here)).await;
    let mut elsewhere = sockets.connect(Some(&there)).await;

    let response = pages.get("new-password ann", Some(&here)).await;

    assert_eq!(response.text(), Ok("ann"));
    let moved = cookie_key(&response.headers).expect("another key");
    assert_ne!(moved, here);
    assert_eq!(site.store.row(&here).await, None);
    assert_eq!(elsewhere.closed().await, 4401);
    own.stays().await;

    // It is the socket of the new session.
    pages.get("logout", Some(&moved)).await;
    assert_eq!(own.closed().await, 4401);
}

#[tokio::test(start_paused = true)]
async fn login_of_the_same_user_leaves_the_sockets_open_and_renews_the_cookie() {
    let site = Site::new();
    let (pages, sockets) = two_servers(&site);
    let key = site.session_of("ann").await;
    let mut socket = sockets.connect(Some(&key)).await;

    let response = pages.get("login ann", Some(&key)).await;

    let cookie = response.header("set-cookie").expect("a cookie");
    assert!(cookie.contains("Max-Age=1209600"), "{cookie}");
    assert_eq!(cookie_key(&response.headers), Some(key.clone()));
    let renewed = site.store.read(&key).await.unwrap().unwrap();
    let left = renewed
        .expires
        .unwrap()
        .duration_since(std::time::SystemTime::now());
    assert!(
        left.unwrap() > Duration::from_secs(1_100_000),
        "longer than before"
    );
    socket.stays().await;
}

/// Sessions end by the clock on the wall, so this test does not pause it.
#[tokio::test]
async fn session_that_expires_closes_its_sockets_at_once() {
    let site = Site::new();
    let (_, sockets) = two_servers(&site);
    let key = expiring(&site, Duration::from_secs(1)).await;
    let mut socket = sockets.connect(Some(&key)).await;

    let closed = timeout(Duration::from_secs(20), socket.closed()).await;

    assert_eq!(closed.expect("it is closed"), 4401);
}

/// A session of ann's that lasts as long as that.
async fn expiring(site: &Site, age: Duration) -> SessionKey {
    let key = site.session_of("ann").await;
    let session = Sessions::new(site.store.clone()).session(Some(key.clone()));
    session.set_expiry(Expiry::After(age)).await.unwrap();
    session.save().await.unwrap();
    key
}
