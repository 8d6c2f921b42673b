//! Cookies and sessions that are not what they should be.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use solent_django::{
    session::codec::{COOKIE_SALT, STORE_SALT, decode, encode},
    signing::SecretKeys,
};

use super::{
    browser::Browser,
    known::Here,
    scene::{Engine, SECRET_KEY, Scene},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) async fn forged_cookies_are_nobodys((scene, sockets): &Here<'_>) -> Result<()> {
    let browser = scene.login("ada").await?;
    let cookie = browser.session().context("no session")?.to_owned();
    assert_eq!(who(&(scene, sockets), &cookie).await?, scene.name("ada"));

    let (start, end) = cookie.split_at(cookie.len() - 1);
    let flipped = format!("{start}{}", if end == "a" { "b" } else { "a" });
    let halves = cookie.split_at(cookie.len() / 2);
    let forged = [
        flipped,
        start.to_owned(),
        format!("{cookie}a"),
        format!("a{cookie}"),
        halves.0.to_owned(),
        halves.1.to_owned(),
        cookie.to_uppercase(),
        "a".repeat(32),
        "a".repeat(3000),
        String::new(),
        "../db.sqlite3".to_owned(),
        "/../db.sqlite3".to_owned(),
        "%2e%2e".to_owned(),
        "'OR'1'='1".to_owned(),
        "\"\\000\"".to_owned(),
        format!("\"{cookie}\\000\""),
        "é".to_owned(),
    ];
    for cookie in forged {
        let who = who(&(scene, sockets), &cookie).await;
        let who = who.with_context(|| format!("the cookie {cookie}"))?;
        assert_eq!(who, json!(null), "{cookie}");
    }
    // Nothing of it harmed the session.
    assert_eq!(who(&(scene, sockets), &cookie).await?, scene.name("ada"));
    Ok(())
}

pub(super) async fn tampered_sessions_are_nobodys((scene, sockets): &Here<'_>) -> Result<()> {
    let browser = scene.login("ada").await?;
    let key = browser.session().context("no session")?.to_owned();
    let now = SystemTime::now();
    let (ours, others) = (
        SecretKeys::new(SECRET_KEY)?,
        SecretKeys::new("not the secret key")?,
    );
    let (right, wrong) = match scene.engine {
        Engine::SignedCookies => (COOKIE_SALT, STORE_SALT),
        _ => (STORE_SALT, COOKIE_SALT),
    };
    let Some(text) = read(scene, &key).await? else {
        // A cache has no signatures: who may write to it may do everything.
        return tampered_cache(&(scene, sockets), &key).await;
    };
    let data = decode(&ours, right, &text, None, now).context("no session")?;

    for text in [
        encode(&others, right, &data, now),
        encode(&ours, wrong, &data, now),
        text.replace(':', "."),
        text[..text.len() - 2].to_owned(),
        text[1..].to_owned(),
        String::new(),
        "é".to_owned(),
    ] {
        let key = write(scene, &key, &text).await?;
        assert_eq!(who(&(scene, sockets), &key).await?, json!(null), "{text}");
    }
    let key = write(scene, &key, &text).await?;
    assert_eq!(who(&(scene, sockets), &key).await?, scene.name("ada"));
    Ok(())
}

async fn tampered_cache((scene, sockets): &Here<'_>, key: &str) -> Result<()> {
    let name = format!(":1:django.contrib.sessions.cache{key}");
    let pickle = scene.redis.query(&["GET", &*name]).await?;
    let solent_test_servers::Reply::Bytes(pickle) = pickle else {
        anyhow::bail!("no pickle");
    };
    let hostile: &[u8] = b"cposix\nsystem\n(S'touch /tmp/owned'\ntR.";
    for bytes in [hostile, &pickle[..pickle.len() / 2], b"", b"1", b"\x80\xff"] {
        let set: [&[u8]; 3] = [b"SET", name.as_bytes(), bytes];
        scene.redis.query(&set).await?;
        assert_eq!(who(&(scene, sockets), key).await?, json!(null), "{bytes:?}");
    }
    let set: [&[u8]; 3] = [b"SET", name.as_bytes(), &pickle];
    scene.redis.query(&set).await?;
    assert_eq!(who(&(scene, sockets), key).await?, scene.name("ada"));
    Ok(())
}

pub(super) async fn expired_sessions_are_nobodys((scene, sockets): &Here<'_>) -> Result<()> {
    let browser = scene.login("ada").await?;
    let key = browser.session().context("no session")?.to_owned();
    assert_eq!(who(&(scene, sockets), &key).await?, scene.name("ada"));

    let key = match scene.engine {
        Engine::Db | Engine::CachedDb => {
            let sql = format!(
                "UPDATE django_session SET expire_date = '2001-02-03 04:05:06' WHERE session_key = '{key}'"
            );
            scene.rows(&sql).await?;
            key
        }
        Engine::Cache => {
            let name = format!(":1:django.contrib.sessions.cache{key}");
            let ttl: i64 = scene.redis.command(&["TTL", &name]).await?.parse()?;
            ensure!(ttl > 1_209_000, "{ttl}");
            scene.redis.command(&["PEXPIRE", &name, "0"]).await?;
            key
        }
        Engine::File => {
            let file = std::fs::File::options()
                .write(true)
                .open(scene.file(&key))?;
            file.set_modified(SystemTime::now() - 15 * DAY)?;
            key
        }
        Engine::SignedCookies => {
            let keys = SecretKeys::new(SECRET_KEY)?;
            let now = SystemTime::now();
            let data = decode(&keys, COOKIE_SALT, &key, None, now).context("no session")?;
            let younger = encode(&keys, COOKIE_SALT, &data, now - 13 * DAY);
            assert_eq!(who(&(scene, sockets), &younger).await?, scene.name("ada"));
            encode(&keys, COOKIE_SALT, &data, now - 15 * DAY)
        }
    };

    assert_eq!(who(&(scene, sockets), &key).await?, json!(null));
    Ok(())
}

/// The name that the socket has for whoever has the cookie.
async fn who((_, sockets): &Here<'_>, cookie: &str) -> Result<serde_json::Value> {
    let mut browser = Browser::default();
    browser
        .cookies
        .insert("sessionid".to_owned(), cookie.to_owned());
    Ok(sockets.connect(&browser).await?.who["name"].clone())
}

/// The signed text of a session.
async fn read(scene: &Scene, key: &str) -> Result<Option<String>> {
    Ok(match scene.engine {
        Engine::SignedCookies => Some(key.to_owned()),
        _ => super::login::stored(scene, key).await?,
    })
}

/// Replaces the signed text of a session; the cookie of whoever has it then.
async fn write(scene: &Scene, key: &str, text: &str) -> Result<String> {
    match scene.engine {
        Engine::SignedCookies => return Ok(text.to_owned()),
        Engine::File => std::fs::write(scene.file(key), text)?,
        _ => {
            let sql = format!(
                "UPDATE django_session SET session_data = '{text}' WHERE session_key = '{key}'"
            );
            scene.rows(&sql).await?;
        }
    }
    Ok(key.to_owned())
}
