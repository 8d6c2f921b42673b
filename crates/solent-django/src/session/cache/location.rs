//! Where a cache is.

use solent_layer_redis::store::StoreLink;
use solent_spec::BoxError;

/// A `LOCATION` that cannot be used. The cause says why, without its secrets.
#[derive(Debug, thiserror::Error)]
#[error("location of the cache cannot be used, write it as redis://:password@host:port/database")]
pub struct InvalidLocation(#[source] BoxError);

/// The servers of a `LOCATION`: a text that has several has them separated by commas or semicolons. What has no scheme is one
/// more Sentinel, or node of a cluster, of the URL before it.
pub(super) fn servers(location: &str) -> Result<Vec<StoreLink>, InvalidLocation> {
    let mut urls: Vec<String> = Vec::new();
    for part in location.split([',', ';']).map(str::trim) {
        match urls.last_mut() {
            Some(url) if has_many(url) && !part.is_empty() && !part.contains("://") => {
                url.push(',');
                url.push_str(part);
            }
            _ => urls.push(part.to_owned()),
        }
    }
    urls.iter()
        .map(|url| StoreLink::open(url).map_err(|cause| InvalidLocation(cause.into())))
        .collect()
}

/// Whether a URL may name several hosts.
fn has_many(url: &str) -> bool {
    let scheme = url.split("://").next().unwrap_or_default();
    scheme.ends_with("+sentinel") || scheme.ends_with("+cluster")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_those_of_django() {
        for (location, count) in [
            ("redis://127.0.0.1:6379", 1),
            ("redis://user:pass@host:6379/2", 1),
            ("rediss://host", 1),
            (
                "redis://leader:6379,redis://replica:6379;redis://other:6379",
                3,
            ),
            ("unix:///var/run/redis.sock?db=1&password=secret", 1),
        ] {
            assert_eq!(servers(location).unwrap().len(), count, "{location}");
        }
    }

    #[test]
    fn sentinels_of_one_master_are_one_server() {
        let location = "redis+sentinel://:pass@one:26379,two,three/main/1,redis://replica";

        let servers = servers(location).unwrap();

        let shown = format!("{servers:?}");
        assert_eq!(servers.len(), 2, "{shown}");
        assert!(
            shown.contains("one:26379,two:26379,three:26379/main/1"),
            "{shown}"
        );
    }

    #[test]
    fn passwords_of_unix_sockets_are_understood() {
        let servers = servers("unix:///redis.sock?username=ann&password=secret&db=3").unwrap();

        let shown = format!("{servers:?}");
        assert!(shown.contains("ann:***@/redis.sock?db=3"), "{shown}");
    }

    #[test]
    fn other_locations_are_refused_without_a_word_of_their_secrets() {
        for location in [
            "",
            "127.0.0.1:11211",
            "redis://a,",
            "memcached://u:secret@h",
        ] {
            let error = servers(location).unwrap_err();
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
    }
}
