use proptest::{collection::vec, option, prelude::*};

use crate::config::{
    RedisAccess, RedisAddress, RedisCluster, RedisHost, RedisLayerUrl, RedisSentinel, RedisServer,
    RedisTls, TlsCheck,
};

proptest! {
    #[test]
    fn no_string_panics(text in any::<String>()) {
        let _ = text.parse::<RedisHost>();
        let _ = text.parse::<RedisLayerUrl>();
    }

    #[test]
    fn no_string_that_is_nearly_a_url_panics(text in nearly_url()) {
        let _ = text.parse::<RedisHost>();
        let _ = text.parse::<RedisLayerUrl>();
    }

    #[test]
    fn hosts_without_secrets_are_read_as_they_are_written(host in host()) {
        let url = host.to_string();

        let read: RedisHost = url.parse().map_err(|error| TestCaseError::fail(format!("{url}: {error}")))?;

        prop_assert_eq!(&read, &host);
        prop_assert_eq!(read.to_string(), url);
    }

    #[test]
    fn passwords_are_read_as_they_were_encoded(user in "[^\0]*", password in "[^\0]+") {
        let encode = super::super::url::encode;
        let url = format!("redis://{}:{}@h", encode(&user), encode(&password));

        let expected = RedisServer::new("h", 6379).password(password.as_str());
        let expected = if user.is_empty() { expected } else { expected.user(user) };
        prop_assert_eq!(url.parse::<RedisHost>().unwrap(), RedisHost::Server(expected));
    }
}

fn nearly_url() -> impl Strategy<Value = String> {
    let scheme = prop::sample::select(vec![
        "redis",
        "rediss",
        "unix",
        "redis+unix",
        "redis+sentinel",
        "rediss+sentinel",
        "redis+cluster",
        "x",
    ]);
    (
        scheme,
        "([a-z0-9:@/?&=%,\\[\\]. ]|%[0-9a-f]{2}|db=|expiry=|ssl_cert_reqs=none){0,24}",
    )
        .prop_map(|(scheme, rest)| format!("{scheme}://{rest}"))
}

fn host() -> impl Strategy<Value = RedisHost> {
    let server = (address(), tls(), 0_u32..20).prop_map(|(address, tls, database)| {
        RedisServer::at(address)
            .access(by(tls))
            .database(database)
            .into()
    });
    let unix = ("(/[^\0/]{1,8}){1,3}", 0_u32..20)
        .prop_map(|(path, database)| RedisServer::unix(path).database(database).into());
    let sentinel = (
        vec(address(), 1..4),
        "[^\0]{1,8}",
        tls(),
        any::<bool>(),
        any::<bool>(),
        0_u32..20,
    )
        .prop_map(|(sentinels, master, tls, servers, own, database)| {
            RedisSentinel::new(master, sentinels)
                .access(by(tls.clone().filter(|_| servers)))
                .sentinel_access(by(tls.filter(|_| own)))
                .database(database)
                .into()
        });
    let cluster = (vec(address(), 1..4), tls(), any::<bool>()).prop_map(|(nodes, tls, sharded)| {
        RedisCluster::new(nodes)
            .access(by(tls))
            .sharded_pubsub(sharded)
            .into()
    });
    prop_oneof![server, unix, sentinel, cluster]
}

fn address() -> impl Strategy<Value = RedisAddress> {
    let host = prop_oneof![
        "[a-z0-9][a-z0-9_.-]{0,12}",
        any::<std::net::Ipv4Addr>().prop_map(|ip| ip.to_string()),
        any::<std::net::Ipv6Addr>().prop_map(|ip| ip.to_string()),
    ];
    (host, 1..=u16::MAX).prop_map(RedisAddress::from)
}

fn by(tls: Option<RedisTls>) -> RedisAccess {
    match tls {
        Some(tls) => RedisAccess::default().tls(tls),
        None => RedisAccess::default(),
    }
}

fn tls() -> impl Strategy<Value = Option<RedisTls>> {
    let check = prop::sample::select(vec![
        TlsCheck::Full,
        TlsCheck::Certificate,
        TlsCheck::Nothing,
    ]);
    let file = || option::of("[^\0]{1,8}");
    option::of(
        (file(), file(), file(), check).prop_map(|(ca, certificate, key, check)| {
            let mut tls = RedisTls::default().check(check);
            if let Some(ca) = ca {
                tls = tls.ca_file(ca);
            }
            if let (Some(certificate), Some(key)) = (certificate, key) {
                tls = tls.client(certificate, key);
            }
            tls
        }),
    )
}
