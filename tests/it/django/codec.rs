use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use solent_django::{
    session::codec::{COOKIE_SALT, STORE_SALT, decode, encode},
    signing::SecretKeys,
};

use super::{project::python, scene::SECRET_KEY};

/// How many sessions go there and back.
const COUNT: usize = 1000;

/// A day, as long as nobody's test takes.
const AGE: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn sessions_of_any_content_come_back_to_django_as_they_went() -> Result<()> {
    let keys = SecretKeys::new(SECRET_KEY)?;
    let arguments = |command: &str| [command.to_owned(), "solent".into(), COUNT.to_string()];
    let made = python("codec.py", &arguments("make"), "").await?;

    let now = SystemTime::now();
    let mut written = String::new();
    for (n, text) in made.lines().enumerate() {
        let salt = [STORE_SALT, COOKIE_SALT][n % 2];
        let data = decode(&keys, salt, text, Some(AGE), now);
        let data = data.with_context(|| format!("session {n} cannot be read: {text}"))?;
        written += &encode(&keys, salt, &data, now);
        written.push('\n');
    }

    assert_eq!(made.lines().count(), COUNT);
    python("codec.py", &arguments("check"), &written).await?;
    Ok(())
}
