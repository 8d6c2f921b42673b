//! Sessions in the browser's own hands.

use proptest::prelude::*;
use solent_session::{
    CookieSecret, CookieStore, Saved, Session, SessionError, SessionKey, SessionStore, Sessions,
    StoreError,
};
use solent_spec::{
    BoxApplication, Connection, Http, Middleware, WebSocket, http::Outbound, websocket,
};
use solent_testing::{HttpCommunicator, TestRequest, WebSocketCommunicator};

use super::contract::{after, before, data};

type Result<T = ()> = solent_spec::Result<T>;

fn secret(byte: u8) -> CookieSecret {
    CookieSecret::new([byte; 32]).unwrap()
}

fn stores() -> [CookieStore; 2] {
    [
        CookieStore::signed(secret(1)),
        CookieStore::encrypted(secret(1)),
    ]
}

#[tokio::test]
async fn sealed_sessions_are_opened_again() -> Result {
    for store in stores() {
        let key = store.create(&data(1), after(60)).await?;
        assert_eq!(store.load(&key).await?, Some(data(1)), "{store:?}");

        let Saved::Moved(key) = store.save(&key, &data(2), after(60)).await? else {
            panic!("the key is the session");
        };
        assert_eq!(store.load(&key).await?, Some(data(2)), "{store:?}");
    }
    Ok(())
}

#[tokio::test]
async fn expired_cookies_are_no_sessions() -> Result {
    for store in stores() {
        let key = store.create(&data(1), before(1)).await?;

        assert_eq!(store.load(&key).await?, None);
    }
    Ok(())
}

#[tokio::test]
async fn former_secrets_are_taken_and_others_are_not() -> Result {
    for (old, new, stranger) in [
        (
            CookieStore::signed(secret(1)),
            CookieStore::signed(secret(2)),
            CookieStore::encrypted(secret(1)),
        ),
        (
            CookieStore::encrypted(secret(1)),
            CookieStore::encrypted(secret(2)),
            CookieStore::signed(secret(1)),
        ),
    ] {
        let key = old.create(&data(1), after(60)).await?;

        assert_eq!(new.load(&key).await?, None);
        assert_eq!(stranger.load(&key).await?, None);
        let rotated = new.clone().former(secret(3)).former(secret(1));
        assert_eq!(rotated.load(&key).await?, Some(data(1)));

        let Saved::Moved(key) = rotated.save(&key, &data(1), after(60)).await? else {
            panic!("the key is the session");
        };
        assert_eq!(new.load(&key).await?, Some(data(1)));
        assert_eq!(old.load(&key).await?, None);
    }
    Ok(())
}

#[tokio::test]
async fn changed_and_truncated_cookies_are_no_sessions() -> Result {
    for store in stores() {
        let key = store.create(&data(1), after(60)).await?;
        let text = key.as_str();
        for at in 0..text.len() {
            let mut changed = text.as_bytes().to_vec();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = SessionKey::parse(std::str::from_utf8(&changed)?)?;
            assert_eq!(store.load(&changed).await?, None, "changed at {at}");

            if let Ok(cut) = SessionKey::parse(&text[..at]) {
                assert_eq!(store.load(&cut).await?, None, "cut at {at}");
            }
        }
        for suffix in ["=", "A", "."] {
            let longer = SessionKey::parse(&format!("{text}{suffix}"))?;
            assert_eq!(store.load(&longer).await?, None, "with {suffix}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn encrypted_cookies_tell_nothing_and_differ() -> Result {
    let store = CookieStore::encrypted(secret(1));

    let one = store.create(&data(1), after(60)).await?;
    let other = store.create(&data(1), after(60)).await?;

    assert_ne!(one, other);
    let bytes = base64_decoded(one.as_str());
    assert!(!bytes.windows(5).any(|part| part == b"value"));
    Ok(())
}

fn base64_decoded(text: &str) -> Vec<u8> {
    // The alphabet is all that matters for looking into it.
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'-' => 62,
        _ => 63,
    };
    let bits: Vec<u8> = text
        .bytes()
        .flat_map(|byte| (0..6).rev().map(move |bit| value(byte) >> bit & 1))
        .collect();
    bits.chunks_exact(8)
        .map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | bit))
        .collect()
}

#[tokio::test]
async fn what_is_too_large_for_a_cookie_is_an_error_that_says_so() -> Result {
    let store = CookieStore::encrypted(secret(1));
    let mut large = data(1);
    // The numbers of Marsaglia's xorshift.
    let mut state = 1u32;
    let noise: String = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        char::from(b' ' + (state % 90) as u8)
    })
    .take(6000)
    .collect();
    large.insert("noise".to_owned(), noise.into());

    let error = store.create(&large, after(60)).await.unwrap_err();

    assert!(
        matches!(error, StoreError::TooLarge { limit: 3800, .. }),
        "{error}"
    );
    // What repeats itself is compressed.
    large.insert("noise".to_owned(), "again and ".repeat(600).into());
    let key = store.create(&large, after(60)).await?;
    assert_eq!(store.load(&key).await?, Some(large));
    Ok(())
}

#[test]
fn short_secrets_are_refused_and_none_is_shown() {
    let error = CookieSecret::new("hunter2").unwrap_err();

    assert_eq!(
        error.to_string(),
        "secret has 7 bytes, take 32 or more from a random generator"
    );
    assert!(!format!("{:?} {:?}", secret(7), stores()).contains("7, 7"));
}

#[tokio::test(start_paused = true)]
async fn cookie_is_the_session_of_the_next_request() -> Result {
    let sessions = Sessions::new(CookieStore::encrypted(secret(1)));
    let count = sessions.wrap(BoxApplication::new(
        async |mut connection: Connection<Http>| {
            let session = Session::of(connection.scope()).ok_or("no session")?;
            let visits = session.get("visits").await?.unwrap_or(0) + 1;
            session.insert("visits", visits).await?;
            connection.send(Outbound::text(visits.to_string())).await?;
            Ok(())
        },
    ));
    let mut cookie = String::new();
    for visit in 1..4 {
        let request = TestRequest::get("/").header("cookie", &cookie);
        let response = HttpCommunicator::start(count.clone(), request)?
            .response()
            .await?;

        assert_eq!(response.text()?, visit.to_string());
        let set = response.header("set-cookie").ok_or("no cookie")?;
        cookie = set.split(';').next().unwrap_or_default().to_owned();
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn open_socket_cannot_change_the_cookie() -> Result {
    let sessions = Sessions::new(CookieStore::signed(secret(1)));
    let key = sessions.store().create(&data(1), after(60)).await?;
    let application = sessions.wrap(BoxApplication::new(
        async |mut connection: Connection<WebSocket>| {
            connection.send(websocket::Outbound::accept()).await?;
            let session = Session::of(connection.scope()).ok_or("no session")?;
            session.insert("value", 2).await?;
            assert!(matches!(session.save().await, Err(SessionError::Answered)));
            connection
                .send(websocket::Outbound::Message("as it should be".into()))
                .await?;
            Ok(())
        },
    ));
    let request = TestRequest::get("/").header("cookie", format!("sessionid={}", key.as_str()));
    let (mut client, _) = WebSocketCommunicator::open(application, request).await?;

    assert_eq!(client.receive_text().await?, "as it should be");
    Ok(())
}

proptest! {
    #[test]
    fn any_cookie_can_be_tried(text in "[!#-+\\--:<-\\[\\]-~]{8,300}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            for store in stores() {
                let key = SessionKey::parse(&text).unwrap();
                assert_eq!(store.load(&key).await.unwrap(), None);
            }
        });
    }
}
