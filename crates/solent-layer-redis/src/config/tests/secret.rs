use crate::config::{RedisAccess, RedisConfig, RedisHost, RedisLayerUrl, RedisSentinel, Secret};

/// In every secret below.
const HIDDEN: &str = "hush";

#[test]
fn nothing_that_is_printed_has_a_secret() {
    let host: RedisHost = "redis://user:hush@h".parse().unwrap();
    let sentinel: RedisHost = RedisSentinel::new("m", [("a", 1)])
        .password("hush")
        .sentinel_access(RedisAccess::default().user("s").password("hush"))
        .into();
    let url: RedisLayerUrl = "redis+unix://:hush@/r.sock?encryption_key=hush&encryption_key=hush2"
        .parse()
        .unwrap();

    for printed in [
        format!("{host} {host:?} {host:#?}"),
        format!("{sentinel} {sentinel:?}"),
        format!("{url:?} {url:#?} {:?}", url.config),
        format!("{:?}", Secret::from("hush")),
    ] {
        assert!(!printed.contains(HIDDEN), "{printed}");
        assert!(!printed.contains("104, 117, 115, 104"), "{printed}");
        assert!(printed.contains("***"), "{printed}");
    }
    assert_eq!(host.to_string(), "redis://user:***@h:6379/0");
    assert_eq!(
        sentinel.to_string(),
        "redis+sentinel://:***@a:1/m/0?sentinel_user=s&sentinel_password=***"
    );
}

#[test]
fn errors_have_no_secret_however_the_url_is_mistaken() {
    for url in [
        "redis://hush@h",
        "redis://user:hush",
        "redis://user:hush/0",
        "redis://:hush@h:x",
        "redis://:hush#@h",
        "redis://:x#hush@h",
        "redis://:x/hush@h",
        "redis://:x?hush@h",
        "redis://:x?hush=1@h",
        "redis://:x?hush",
        "redis://:x?hush&db=1",
        "redis://:hush%ff@h",
        "redis://h?password=hush%ff",
        "redis://h?password=hush&password=hush",
        "redis://u:hush@h?password=hush",
        "redis://:hush@h?nonsense=1",
        "redis://:hush h",
        "hush@h",
        "redis+sentinel://:hush@a/m?sentinel_password=hush&sentinel_password=hush",
        "redis+sentinel://:hush@a,/m",
        "redis+cluster://:hush@a/1",
        "redis://h?encryption_key=hush&encryption_key=",
        "redis://h?layer=hush",
    ] {
        let layer = url.parse::<RedisLayerUrl>().expect_err(url);
        let printed = format!("{layer} {layer:?}");
        assert!(!printed.contains(HIDDEN), "{url}: {printed}");

        if let Err(host) = url.parse::<RedisHost>() {
            let printed = format!("{host} {host:?}");
            assert!(!printed.contains(HIDDEN), "{url}: {printed}");
        }
    }
}

#[test]
fn binary_passwords_are_refused_before_connecting() {
    let host = crate::config::RedisServer::default().password([0xFF]);

    let error = RedisConfig::default().hosts([host]).validate().unwrap_err();

    assert!(error.to_string().contains("not text in UTF-8"), "{error}");
}
