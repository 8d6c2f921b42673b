use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use solent_django::{
    pickle,
    session::codec::{COOKIE_SALT, STORE_SALT, decode, encode},
    signing::SecretKeys,
};

use super::{project::python, scene::SECRET_KEY};

/// How many sessions go there and back.
const COUNT: &str = "1000";

/// A day, as long as nobody's test takes.
const AGE: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn signed_sessions_of_any_content_come_back_to_django_as_they_went() -> Result<()> {
    let keys = SecretKeys::new(SECRET_KEY)?;
    let now = SystemTime::now();

    there_and_back("signed", |n, text| {
        let salt = [STORE_SALT, COOKIE_SALT][n % 2];
        let data = decode(&keys, salt, text, Some(AGE), now).context("not decoded")?;
        Ok(encode(&keys, salt, &data, now))
    })
    .await
}

#[tokio::test]
async fn pickled_sessions_of_any_content_come_back_to_django_as_they_went() -> Result<()> {
    there_and_back("pickle", |_, text| {
        let data = pickle::read(&bytes(text)?)?;
        Ok(hexadecimal(&pickle::write(&data)))
    })
    .await
}

/// Django writes sessions, `again` reads and writes each, and Django finds in them what it had.
async fn there_and_back(form: &str, again: impl Fn(usize, &str) -> Result<String>) -> Result<()> {
    let arguments = |command: &str| [command, form, "solent", COUNT].map(str::to_owned);
    let made = python("codec.py", &arguments("make"), "").await?;

    let mut written = String::new();
    for (n, text) in made.lines().enumerate() {
        written += &again(n, text).with_context(|| format!("session {n}: {text}"))?;
        written.push('\n');
    }

    assert_eq!(made.lines().count().to_string(), COUNT);
    python("codec.py", &arguments("check"), &written).await?;
    Ok(())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(text: &str) -> Result<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?))
        .collect()
}
