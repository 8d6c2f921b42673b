//! Whether settings can work.

use std::{num::NonZeroUsize, time::Duration};

use super::{ConfigError, RedisAccess, RedisConfig, RedisHost};

/// Below this many random bytes, equal messages might become equal members of a set, and one of them lost.
const MIN_RANDOM_PREFIX: usize = 8;
const MAX_RANDOM_PREFIX: usize = 1024;

/// What the command `EXPIRE` takes in every version of Redis.
const MAX_EXPIRY: Duration = Duration::from_secs(i32::MAX as u64);

const MIN_TIMEOUT: Duration = Duration::from_millis(1);
/// Longer is as good as for ever, and might be more than a clock can tell.
const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);
/// What Linux takes.
const MAX_KEEPALIVE: Duration = Duration::from_secs(32767);

/// What there may be of things that have memory set aside.
const MAX_PENDING: usize = 1 << 20;
const MAX_POOL: usize = 10_000;

pub(super) fn config(config: &RedisConfig) -> Result<(), ConfigError> {
    hosts(&config.hosts)?;
    prefix(config)?;
    expiry("expiry", config.expiry)?;
    expiry("group_expiry", config.group_expiry)?;
    random_prefix(config)?;
    if config
        .encryption_keys
        .iter()
        .any(|key| key.expose().is_empty())
    {
        return Err(ConfigError::setting(
            "encryption_keys",
            "have an empty one, leave it out or fill it",
        ));
    }
    let timeouts = [
        ("connect_timeout", config.connect_timeout),
        ("response_timeout", config.response_timeout),
        ("backoff.first", config.backoff.first),
        ("backoff.most", config.backoff.most),
    ];
    for (name, time) in timeouts {
        within(name, time, MIN_TIMEOUT, MAX_TIMEOUT)?;
    }
    within("send_wait", config.send_wait, Duration::ZERO, MAX_TIMEOUT)?;
    within(
        "heartbeat",
        config.heartbeat,
        Duration::from_millis(50),
        MAX_TIMEOUT,
    )?;
    within(
        "renewal",
        config.renewal,
        Duration::from_secs(1),
        MAX_TIMEOUT,
    )?;
    within(
        "keepalive",
        config.keepalive,
        Duration::from_secs(1),
        MAX_KEEPALIVE,
    )?;
    at_most("max_pending", config.max_pending, MAX_PENDING)?;
    at_most("pool_size", config.pool_size, MAX_POOL)?;
    if config.backoff.most < config.backoff.first {
        return Err(ConfigError::setting(
            "backoff.most",
            "is shorter than `backoff.first`, make it longer",
        ));
    }
    Ok(())
}

/// Checks credentials and certificates.
pub(super) fn access(access: &RedisAccess) -> Result<(), ConfigError> {
    if access.user.is_some() && access.password.is_none() {
        return Err(ConfigError::setting(
            "hosts",
            "have a user without a password, add it",
        ));
    }
    if access
        .password
        .as_ref()
        .is_some_and(|password| password.expose_str().is_none())
    {
        return Err(ConfigError::setting(
            "hosts",
            "have a password that is not text in UTF-8",
        ));
    }
    Ok(())
}

fn hosts(hosts: &[RedisHost]) -> Result<(), ConfigError> {
    if hosts.is_empty() {
        return Err(ConfigError::setting("hosts", "need a host, or the default"));
    }
    let cluster = hosts
        .iter()
        .any(|host| matches!(host, RedisHost::Cluster(_)));
    if cluster && hosts.len() > 1 {
        return Err(ConfigError::setting(
            "hosts",
            "have a cluster beside others, but a cluster is sharded already: let it be the only one",
        ));
    }
    hosts.iter().try_for_each(RedisHost::validate)
}

fn prefix(config: &RedisConfig) -> Result<(), ConfigError> {
    if config.prefix.chars().any(char::is_control) {
        return Err(ConfigError::setting(
            "prefix",
            "has a control character, leave it out",
        ));
    }
    let cluster = matches!(config.hosts[..], [RedisHost::Cluster(_)]);
    if cluster && config.prefix.contains(['{', '}']) {
        return Err(ConfigError::setting(
            "prefix",
            "has a brace, which would put every key on one node of the cluster: leave it out",
        ));
    }
    Ok(())
}

fn random_prefix(config: &RedisConfig) -> Result<(), ConfigError> {
    // An encrypted message has a random part of its own.
    let min = if config.encryption_keys.is_empty() {
        MIN_RANDOM_PREFIX
    } else {
        0
    };
    if (min..=MAX_RANDOM_PREFIX).contains(&config.random_prefix) {
        return Ok(());
    }
    Err(ConfigError::setting(
        "random_prefix",
        format!(
            "must be from {MIN_RANDOM_PREFIX} to {MAX_RANDOM_PREFIX} bytes, or fewer with encryption: of equal messages \
             one is lost; set the same number in every process"
        ),
    ))
}

fn expiry(name: &'static str, expiry: Duration) -> Result<(), ConfigError> {
    if expiry.is_zero() || expiry.subsec_nanos() != 0 || expiry > MAX_EXPIRY {
        let most = MAX_EXPIRY.as_secs();
        return Err(ConfigError::setting(
            name,
            format!("must be whole seconds, from 1 to {most}, as Redis counts them"),
        ));
    }
    Ok(())
}

fn within(
    name: &'static str,
    time: Duration,
    least: Duration,
    most: Duration,
) -> Result<(), ConfigError> {
    if (least..=most).contains(&time) {
        return Ok(());
    }
    Err(ConfigError::setting(
        name,
        format!("must be from {least:?} to {most:?}"),
    ))
}

fn at_most(name: &'static str, number: NonZeroUsize, most: usize) -> Result<(), ConfigError> {
    if number.get() <= most {
        return Ok(());
    }
    Err(ConfigError::setting(
        name,
        format!("must be {most} at most"),
    ))
}
