//! How much one client may ask for.

use std::time::Duration;

use http::StatusCode;
use solent_edge::{ConnectRate, MessageRate, Rate, TrustedProxies};
use solent_spec::{
    BoxApplication, Connection, Http, Middleware, Result, WebSocket, http::Outbound,
};
use solent_test_servers::Log;
use solent_testing::{HttpCommunicator, TestRequest, WebSocketCommunicator};
use tokio::time::advance;

use super::open::{exchange, handshake};

const MINUTE: Duration = Duration::from_secs(60);

fn from(address: &str) -> TestRequest {
    TestRequest::get("/room").client(address.parse().unwrap())
}

/// Two a minute.
fn limit() -> ConnectRate {
    ConnectRate::new(Rate::per_minute(2))
}

#[tokio::test(start_paused = true)]
async fn client_that_connects_too_often_is_refused_until_it_has_waited() {
    let limit = limit();

    assert_eq!(handshake(&limit, from("192.0.2.1:1")).await, 101);
    assert_eq!(exchange(&limit, from("192.0.2.1:2")).await, 200);
    assert_eq!(handshake(&limit, from("192.0.2.1:3")).await, 429);
    assert_eq!(exchange(&limit, from("192.0.2.1:4")).await, 429);

    advance(MINUTE / 2).await;
    assert_eq!(handshake(&limit, from("192.0.2.1:5")).await, 101);
    assert_eq!(handshake(&limit, from("192.0.2.1:6")).await, 429);
}

#[tokio::test(start_paused = true)]
async fn refusal_says_how_long_to_wait() {
    async fn hello(mut connection: Connection<Http>) -> Result {
        Ok(connection.send(Outbound::text("hello")).await?)
    }
    let application = limit().wrap(BoxApplication::<Http>::new(hello));
    let ask = || HttpCommunicator::start(application.clone(), from("192.0.2.1:1")).unwrap();
    for _ in 0..2 {
        ask().response().await.unwrap();
    }

    advance(Duration::from_millis(500)).await;
    let response = ask().response().await.unwrap();

    assert_eq!(response.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.header("retry-after"), Some("30"));
}

#[tokio::test(start_paused = true)]
async fn server_without_denial_responses_closes() {
    let limit = ConnectRate::new(Rate::per_minute(1));
    let request = || from("192.0.2.1:1").features([]);

    assert_eq!(handshake(&limit, request()).await, 101);
    assert_eq!(handshake(&limit, request()).await, 403);
}

#[tokio::test(start_paused = true)]
async fn clients_do_not_pay_for_each_other() {
    let limit = ConnectRate::new(Rate::per_minute(1));

    for (client, status) in [
        ("192.0.2.1:1", 101),
        ("[::ffff:192.0.2.1]:1", 429),
        ("192.0.2.2:1", 101),
        ("[2001:db8::1]:1", 101),
        ("[2001:db8::ffff:1]:1", 429),
        ("[2001:db8:0:1::1]:1", 101),
    ] {
        assert_eq!(handshake(&limit, from(client)).await, status, "{client}");
    }
    let by_address = ConnectRate::new(Rate::per_minute(1)).ipv6_prefix(128);
    assert_eq!(handshake(&by_address, from("[2001:db8::1]:1")).await, 101);
    assert_eq!(handshake(&by_address, from("[2001:db8::2]:1")).await, 101);
}

#[tokio::test(start_paused = true)]
async fn who_is_exempt_or_has_no_address_is_not_limited() {
    let limit = limit().exempt("192.0.2.0/24".parse().unwrap());

    for _ in 0..10 {
        assert_eq!(handshake(&limit, from("192.0.2.1:1")).await, 101);
        assert_eq!(handshake(&limit, "/room").await, 101);
    }
}

#[tokio::test(start_paused = true)]
async fn flood_from_everywhere_does_not_free_those_who_go_on() {
    let limit = ConnectRate::new(Rate::per_minute(1)).addresses(8);
    assert_eq!(handshake(&limit, from("192.0.2.1:1")).await, 101);

    for nth in 0..64 {
        assert_eq!(
            exchange(&limit, from(&format!("198.51.100.{nth}:1"))).await,
            200
        );
        assert_eq!(exchange(&limit, from("192.0.2.1:1")).await, 429);
    }
}

#[tokio::test(start_paused = true)]
async fn limit_behind_a_proxy_is_one_of_its_clients() {
    struct Both(TrustedProxies, ConnectRate);
    impl Middleware for Both {
        fn wrap<P: solent_spec::HttpProtocol>(
            &self,
            inner: BoxApplication<P>,
        ) -> BoxApplication<P> {
            self.0.wrap(self.1.wrap(inner))
        }
    }
    let proxies = TrustedProxies::new(["10.0.0.0/8", "unix"]).unwrap();
    let both = Both(proxies, ConnectRate::new(Rate::per_minute(1)));
    let through = |proxy: &str, said: &str| from(proxy).header("x-forwarded-for", said);

    assert_eq!(
        handshake(&both, through("10.0.0.1:1", "192.0.2.1")).await,
        101
    );
    assert_eq!(
        handshake(&both, through("10.0.0.1:2", "192.0.2.2")).await,
        101
    );
    assert_eq!(
        handshake(&both, through("10.0.0.2:1", "192.0.2.1")).await,
        429
    );
    let forged = through("10.0.0.2:1", "203.0.113.9, 192.0.2.1");
    assert_eq!(handshake(&both, forged).await, 429);
    let local = TestRequest::get("/").header("x-forwarded-for", "192.0.2.2");
    assert_eq!(handshake(&both, local).await, 429);
    // Who is no proxy is limited as itself, whatever it says.
    assert_eq!(
        handshake(&both, through("192.0.2.9:1", "203.0.113.1")).await,
        101
    );
    assert_eq!(
        handshake(&both, through("192.0.2.9:1", "203.0.113.2")).await,
        429
    );
}

#[tokio::test(start_paused = true)]
async fn flood_of_connects_is_one_warning_a_second() {
    let log = Log::new();
    let limit = ConnectRate::new(Rate::per_minute(1));

    for _ in 0..10 {
        handshake(&limit, from("192.0.2.1:1")).await;
    }

    let text = log.text();
    let warnings: Vec<_> = text.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!(warnings.len(), 1, "{text}");
    assert!(warnings[0].contains("client=192.0.2.1"), "{text}");
    assert!(warnings[0].contains("/room"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn flood_of_messages_is_one_event() {
    let log = Log::new();
    let limit = MessageRate::new(Rate::per_minute(1));
    let application = limit.wrap(BoxApplication::<WebSocket>::new(super::open::accept));
    let (mut client, _) = WebSocketCommunicator::open(application, from("192.0.2.1:1"))
        .await
        .unwrap();

    for _ in 0..5 {
        client.send_text("secret").await.unwrap();
    }

    client.receive_text().await.unwrap();
    assert_eq!(client.receive_close().await.unwrap().code.as_u16(), 1008);
    let text = log.text();
    assert_eq!(text.matches("too many messages").count(), 1, "{text}");
    assert!(
        text.contains("192.0.2.1:1") && !text.contains("secret"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn requests_are_no_messages() {
    let limit = MessageRate::new(Rate::per_minute(1));

    for _ in 0..5 {
        let request = TestRequest::post("/").body("body");
        assert_eq!(exchange(&limit, request).await, 200);
    }
}
