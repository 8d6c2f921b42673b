use crate::config::{
    RedisAccess, RedisAddress, RedisCluster, RedisHost, RedisSentinel, RedisServer, RedisTls,
    TlsCheck,
};

fn server(host: &str, port: u16) -> RedisServer {
    RedisServer::new(host, port)
}

#[test]
fn servers_are_read_from_their_urls() {
    let ca = || RedisTls::default().ca_file("/ca.pem");
    for (url, expected) in [
        ("redis://", server("localhost", 6379)),
        ("redis:///1", server("localhost", 6379).database(1)),
        ("redis://:7000", server("localhost", 7000)),
        ("redis://h:", server("h", 6379)),
        ("redis://localhost:6379", server("localhost", 6379)),
        ("REDIS://10.0.0.1", server("10.0.0.1", 6379)),
        ("redis://h:1234/", server("h", 1234)),
        ("redis://h/3", server("h", 6379).database(3)),
        ("redis://h/3/", server("h", 6379).database(3)),
        ("redis://h?db=4", server("h", 6379).database(4)),
        ("redis://h/3?db=4", server("h", 6379).database(4)),
        ("redis://h/?", server("h", 6379)),
        ("redis://h?&db=4&", server("h", 6379).database(4)),
        (
            "redis://my-host_1.example.org:1",
            server("my-host_1.example.org", 1),
        ),
        ("redis://[::1]", server("::1", 6379)),
        (
            "redis://[fe80::1]:6380/2",
            server("fe80::1", 6380).database(2),
        ),
        ("redis://:pass@h", server("h", 6379).password("pass")),
        ("redis://@h", server("h", 6379)),
        ("redis://:@h", server("h", 6379)),
        (
            "redis://user:pass@h",
            server("h", 6379).user("user").password("pass"),
        ),
        (
            "redis://user:@h",
            server("h", 6379).user("user").password(""),
        ),
        (
            "redis://u:p:q@h",
            server("h", 6379).user("u").password("p:q"),
        ),
        (
            "redis://u:p@q@h",
            server("h", 6379).user("u").password("p@q"),
        ),
        (
            "redis://us%40er:p%2Fa%3Fs%23s@h",
            server("h", 6379).user("us@er").password("p/a?s#s"),
        ),
        ("redis://:100%25@h", server("h", 6379).password("100%")),
        ("redis://:%2525@h", server("h", 6379).password("%25")),
        ("redis://:a+b@h", server("h", 6379).password("a+b")),
        ("redis://:%C3%A9@h", server("h", 6379).password("é")),
        (
            "redis://h?username=u&password=p%40q",
            server("h", 6379).user("u").password("p@q"),
        ),
        ("redis://h?password=p", server("h", 6379).password("p")),
        (
            "rediss://h:1/2",
            server("h", 1).database(2).tls(RedisTls::default()),
        ),
        (
            "rediss://:p@h?ssl_ca_certs=/ca.pem",
            server("h", 6379).password("p").tls(ca()),
        ),
        (
            "rediss://h?ssl_ca_certs=%2Fca.pem&ssl_certfile=/c.pem&ssl_keyfile=/k.pem",
            server("h", 6379).tls(ca().client("/c.pem", "/k.pem")),
        ),
        (
            "rediss://h?ssl_certfile=/both.pem",
            server("h", 6379).tls(RedisTls::default().client("/both.pem", "/both.pem")),
        ),
        (
            "rediss://h?ssl_cert_reqs=none",
            server("h", 6379).tls(RedisTls::default().check(TlsCheck::Nothing)),
        ),
        (
            "rediss://h?ssl_cert_reqs=none&ssl_check_hostname=false",
            server("h", 6379).tls(RedisTls::default().check(TlsCheck::Nothing)),
        ),
        (
            "rediss://h?ssl_cert_reqs=required&ssl_check_hostname=False",
            server("h", 6379).tls(RedisTls::default().check(TlsCheck::Certificate)),
        ),
        (
            "rediss://h?ssl_check_hostname=1",
            server("h", 6379).tls(RedisTls::default()),
        ),
        (
            "unix:///run/redis.sock",
            RedisServer::unix("/run/redis.sock"),
        ),
        (
            "redis+unix:///run/redis.sock?db=2",
            RedisServer::unix("/run/redis.sock").database(2),
        ),
        (
            "unix://user:p%20q@/run/my%20redis.sock?db=2",
            RedisServer::unix("/run/my redis.sock")
                .user("user")
                .password("p q")
                .database(2),
        ),
        (
            "redis+unix://:p@/r.sock",
            RedisServer::unix("/r.sock").password("p"),
        ),
    ] {
        assert_eq!(read(url), RedisHost::Server(expected), "{url}");
    }
}

#[test]
fn masters_are_read_from_their_urls() {
    let one = || RedisSentinel::new("mymaster", [("a", 26379)]);
    let tls = RedisTls::default;
    let by_tls = || RedisAccess::default().tls(tls());
    for (url, expected) in [
        ("redis+sentinel://a/mymaster", one()),
        ("redis+sentinel://a/mymaster/", one()),
        (
            "redis+sentinel://a/my%2Fmaster",
            RedisSentinel::new("my/master", [("a", 26379)]),
        ),
        (
            "redis+sentinel://a:1,b,[::1]:3/mymaster/2",
            RedisSentinel::new("mymaster", [("a", 1), ("b", 26379), ("::1", 3)]).database(2),
        ),
        ("redis+sentinel://a/mymaster/2?db=3", one().database(3)),
        (
            "redis+sentinel://u:p@a/mymaster",
            one().user("u").password("p"),
        ),
        (
            "redis+sentinel://:p@a/mymaster?sentinel_user=s&sentinel_password=t%20t",
            one()
                .password("p")
                .sentinel_access(RedisAccess::default().user("s").password("t t")),
        ),
        (
            "rediss+sentinel://a/mymaster",
            one().tls(tls()).sentinel_access(by_tls()),
        ),
        (
            "redis+sentinel://a/mymaster?tls=both",
            one().tls(tls()).sentinel_access(by_tls()),
        ),
        ("redis+sentinel://a/mymaster?tls=servers", one().tls(tls())),
        (
            "rediss+sentinel://a/mymaster?tls=sentinels",
            one().sentinel_access(by_tls()),
        ),
        (
            "redis+sentinel://a/mymaster?tls=servers&ssl_ca_certs=/ca.pem",
            one().tls(tls().ca_file("/ca.pem")),
        ),
    ] {
        assert_eq!(read(url), RedisHost::Sentinel(expected), "{url}");
    }
}

#[test]
fn clusters_are_read_from_their_urls() {
    let one = || RedisCluster::new([("a", 6379)]);
    for (url, expected) in [
        ("redis+cluster://a", one()),
        ("redis+cluster://a/0", one()),
        (
            "redis+cluster://a:1,b,[::1]:3/",
            RedisCluster::new([("a", 1), ("b", 6379), ("::1", 3)]),
        ),
        (
            "redis+cluster://u:p@a?sharded_pubsub=1",
            one().user("u").password("p").sharded_pubsub(true),
        ),
        ("redis+cluster://a?sharded_pubsub=no", one()),
        (
            "rediss+cluster://a?ssl_ca_certs=/c",
            one().tls(RedisTls::default().ca_file("/c")),
        ),
    ] {
        assert_eq!(read(url), RedisHost::Cluster(expected), "{url}");
    }
}

#[test]
fn bad_urls_are_refused_with_what_to_do() {
    for (url, words) in [
        ("", "needs a scheme, one of redis://, rediss://"),
        ("localhost:6379", "needs a scheme"),
        ("redis:/h", "needs a scheme"),
        ("http://h", "unknown scheme"),
        ("redis+tls://h", "unknown scheme"),
        ("rediss+unix:///r.sock", "unknown scheme"),
        ("redis://h h", "a space is %20"),
        ("redis://h\n", "a space is %20"),
        (
            "redis://a,b",
            "the nodes of a cluster or the Sentinels of a master by commas",
        ),
        ("redis://h%20", "character in its host"),
        ("redis://h:x", "needs a number from 1 to 65535"),
        ("redis://h:0", "needs a number from 1 to 65535"),
        ("redis://h:65536", "needs a number from 1 to 65535"),
        ("redis://::1", "needs a number from 1 to 65535"),
        ("redis://[::1", "IPv6 address in its brackets"),
        ("redis://[::1]6379", "IPv6 address in its brackets"),
        ("redis://[localhost]", "IPv6 address in its brackets"),
        ("redis://h/x", "needs a number as its database"),
        ("redis://h/-1", "needs a number as its database"),
        ("redis://h/1/2", "needs a number as its database"),
        (
            "redis://pass@h",
            "has a user without a password, write `user:password@`, or `:password@`",
        ),
        ("redis://h?username=u", "has a user without a password"),
        ("redis://u:p@h?password=q", "leave out one of them"),
        ("redis://:p#q@h", "percent-encode it as %23"),
        ("redis://:p/q@h", "write `/` as %2F"),
        ("redis://:p?q@h", "write `?` as %3F"),
        ("redis://:p?q", "options of the form `name=value`"),
        ("redis://:%ff@h", "not text in UTF-8"),
        ("redis://%00:p@h", "not text in UTF-8"),
        ("redis://h?db", "options of the form `name=value`"),
        (
            "redis://h?db=x",
            "option `db` of the Redis URL is not a whole number",
        ),
        (
            "redis://h?db=1&db=2",
            "option `db` of the Redis URL is there twice",
        ),
        (
            "redis://h?nonsense=1",
            "option `nonsense` of the Redis URL is unknown, known are db, pass, password, user, username",
        ),
        ("redis://h?sharded_pubsub=1", "is unknown"),
        (
            "redis://h?pass=1&password=1",
            "`password` of the Redis URL is there as `pass` too",
        ),
        (
            "redis://h?expiry=1",
            "is a setting of the layer, not of a host",
        ),
        (
            "redis://h?socket_timeout=1",
            "is a setting of the layer, not of a host",
        ),
        ("redis://h?protocol=2", "Redis 6 or later is needed"),
        (
            "redis://h?retry_on_timeout=1",
            "`retry_on_timeout` of the Redis URL is always on",
        ),
        (
            "redis://h?timeout=1",
            "`connect_timeout` or `response_timeout`",
        ),
        (
            "redis://h?ssl_ca_certs=/c",
            "needs TLS, which the scheme `rediss` asks for",
        ),
        (
            "rediss://h?ssl_ciphers=x",
            "`ssl_ciphers` of the Redis URL is not supported",
        ),
        ("rediss://h?ssl_cert_reqs=maybe", "is `required` or `none`"),
        ("rediss://h?ssl_check_hostname=2", "is `true` or `false`"),
        (
            "rediss://h?ssl_cert_reqs=none&ssl_check_hostname=1",
            "cannot be on with `ssl_cert_reqs=none`",
        ),
        ("rediss://h?ssl_keyfile=/k", "needs `ssl_certfile`"),
        ("rediss://h?ssl_ca_certs=%ff", "is not text in UTF-8"),
        ("unix://run/redis.sock", "with a third slash"),
        ("unix:///", "with a third slash"),
        ("unix://", "with a third slash"),
        (
            "unix:///r.sock?tls=both",
            "is unknown, known are db, pass, password, user, username",
        ),
        ("redis+sentinel://a", "needs the name of the master"),
        ("redis+sentinel://a//2", "needs the name of the master"),
        ("redis+sentinel://a/m/x", "needs a number as its database"),
        (
            "redis+sentinel://a,/m",
            "needs a host before and after each comma",
        ),
        (
            "redis+sentinel:///m",
            "needs a host before and after each comma",
        ),
        (
            "redis+sentinel://a/m?sentinel_user=u",
            "needs `sentinel_password`",
        ),
        (
            "redis+sentinel://:p@a/m?sentinel_user=u",
            "before the `@` is that of the Redis servers",
        ),
        (
            "redis+sentinel://a/m?tls=1",
            "is `both`, `servers` or `sentinels`",
        ),
        ("redis+sentinel://a/m?ssl_ca_certs=/c", "needs TLS"),
        ("redis+cluster://a/1", "only number 0"),
        ("redis+cluster://a?db=1", "is unknown"),
        (
            "redis+cluster://a,,b",
            "needs a host before and after each comma",
        ),
        (
            "redis+cluster://a?sharded_pubsub=maybe",
            "is `true` or `false`",
        ),
    ] {
        let error = url.parse::<RedisHost>().expect_err(url).to_string();
        assert!(error.contains(words), "{url}: {error}");
    }
}

#[test]
fn display_writes_the_url_that_would_be_read() {
    for (host, url) in [
        (RedisHost::default(), "redis://localhost:6379/0"),
        (
            RedisServer::new("::1", 1).database(2).into(),
            "redis://[::1]:1/2",
        ),
        (
            RedisServer::at(RedisAddress::from(("h", 1))).into(),
            "redis://h:1/0",
        ),
        (
            RedisServer::unix("/a b.sock").into(),
            "redis+unix:///a%20b.sock",
        ),
        (
            RedisServer::unix("/r.sock").database(1).into(),
            "redis+unix:///r.sock?db=1",
        ),
        (
            RedisServer::new("h", 1)
                .tls(
                    RedisTls::default()
                        .ca_file("/c")
                        .client("/a", "/b")
                        .check(TlsCheck::Certificate),
                )
                .into(),
            "rediss://h:1/0?ssl_ca_certs=/c&ssl_certfile=/a&ssl_keyfile=/b&ssl_check_hostname=false",
        ),
        (
            RedisSentinel::new("m/1", [("a", 1), ("b", 2)]).into(),
            "redis+sentinel://a:1,b:2/m%2F1/0",
        ),
        (
            RedisSentinel::new("m", [("a", 1)])
                .tls(RedisTls::default())
                .into(),
            "redis+sentinel://a:1/m/0?tls=servers",
        ),
        (
            RedisCluster::new([("a", 1)]).sharded_pubsub(true).into(),
            "redis+cluster://a:1?sharded_pubsub=true",
        ),
    ] {
        assert_eq!(host.to_string(), url);
        assert_eq!(read(url), host);
    }
}

fn read(url: &str) -> RedisHost {
    url.parse().unwrap_or_else(|error| panic!("{url}: {error}"))
}
