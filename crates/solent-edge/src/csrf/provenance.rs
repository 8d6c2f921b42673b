//! Where a request comes from, as far as it says so.

use std::borrow::Cow;

use solent_spec::RequestScope;

use super::{config::CsrfConfig, trusted::Trusted};
use crate::{
    host::same_domain,
    origin::{is_same_host, origin_of},
    url::{Url, latin1, lower_case, split_authority},
};

/// Refuses a request whose `Origin` is another one, or that came over TLS, has no `Origin` and a `Referer` of another host or
/// none.
pub(super) fn check<S: RequestScope>(
    scope: &S,
    trusted: &Trusted,
    config: &CsrfConfig,
) -> Result<(), &'static str> {
    match origin_of(scope) {
        Some(origin) if is_same_host(&origin, scope) || trusted.has_origin(&origin) => Ok(()),
        Some(_) => {
            Err("origin is another one; if the page is yours, add its origin with Csrf::trust")
        }
        None if scope.link().is_secure() => check_referer(scope, trusted, config),
        None => Ok(()),
    }
}

fn check_referer<S: RequestScope>(
    scope: &S,
    trusted: &Trusted,
    config: &CsrfConfig,
) -> Result<(), &'static str> {
    let referer = scope.head().header("referer").map(latin1).ok_or(
        "neither origin nor referer over TLS; the page must not forbid its browser to send one",
    )?;
    let referer = Url::split(&referer)
        .filter(|referer| !referer.scheme.is_empty() && !referer.authority.is_empty())
        .ok_or("referer is malformed")?;
    if referer.scheme != "https" {
        return Err("referer is not secure while the host is");
    }
    let authority = lower_case(&referer.authority);
    let own = own_authority(scope, config);
    if trusted.has_authority(&authority) || own.is_some_and(|own| same_domain(&authority, &own)) {
        Ok(())
    } else {
        Err("referer is of another host; if the page is yours, add its origin with Csrf::trust")
    }
}

/// The hosts that share the cookie: those of its domain, or the request's own.
fn own_authority<'a, S: RequestScope>(
    scope: &'a S,
    config: &'a CsrfConfig,
) -> Option<Cow<'a, str>> {
    let host = scope.host();
    match &config.domain {
        None => host.map(lower_case),
        Some(domain) => Some(match host.map_or("", |host| split_authority(host).1) {
            "" | "80" | "443" => lower_case(domain),
            port => format!("{}:{port}", lower_case(domain)).into(),
        }),
    }
}
