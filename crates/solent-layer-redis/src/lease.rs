//! Leases in Redis: a key for each, whose value is the holder's token.

use std::{sync::LazyLock, time::Duration};

use redis::Value;
use solent_layer::{Claim, LayerError};

use crate::{
    error::LinkError,
    link::{Link, Script},
    wire::Keys,
};

/// Takes a lease that is free, or renews one's own. Key: the lease's. Arguments: the token, the lifetime in milliseconds.
/// Answers whether the token holds it.
static HOLD: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1",
    )
});

/// Gives a lease back. Key: the lease's. Argument: the token, without which it is another's. Answers whether it was given back.
static RELEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0",
    )
});

pub(crate) async fn hold(
    link: &Link,
    keys: &Keys,
    claim: &Claim,
    lifetime: Duration,
) -> Result<bool, LayerError> {
    let millis = u64::try_from(lifetime.as_millis())
        .unwrap_or(u64::MAX)
        .max(1);
    let answer = HOLD.run(link, |command| {
        command
            .arg(1)
            .arg(keys.lease(claim.name()))
            .arg(claim.token())
            // Redis refuses what does not fit its clock.
            .arg(millis.min(1 << 40));
    });
    match answer.await? {
        Value::Int(held) => Ok(held == 1),
        _ => Err(LinkError::Answer.into()),
    }
}

pub(crate) async fn release(link: &Link, keys: &Keys, claim: &Claim) -> Result<(), LayerError> {
    let answer = RELEASE.run(link, |command| {
        command
            .arg(1)
            .arg(keys.lease(claim.name()))
            .arg(claim.token());
    });
    answer.await?;
    Ok(())
}
