use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use solent_routing::{Router, UrlError};
use solent_spec::Http;

use super::driver::{app, built};

fn named(pattern: &str) -> Router<Http> {
    built(Router::builder().route(pattern, app(1)).name("it"))
}

fn named_regex(pattern: &str) -> Router<Http> {
    built(Router::builder().route_regex(pattern, app(1)).name("it"))
}

#[test]
fn nested_names_have_the_name_of_the_nesting_before_them() {
    let inner = || {
        built(
            Router::<Http>::builder()
                .route("r/<slug:room>/", app(1))
                .name("room"),
        )
    };
    let router = Router::builder()
        .nest("api/<int:version>/", inner())
        .name("api")
        .nest("plain/", inner());
    let router = built(router);

    assert_eq!(
        router
            .url_for("api:room", &[("version", "1"), ("room", "a-b")])
            .unwrap(),
        "/api/1/r/a-b/"
    );
    assert_eq!(
        router.url_for("room", &[("room", "x")]).unwrap(),
        "/plain/r/x/"
    );
}

#[test]
fn route_that_was_taken_has_the_name_that_makes_its_url() {
    let inner = Router::<Http>::builder()
        .route("r/", app(1))
        .name("room")
        .route("s/", app(2));
    let router = Router::builder()
        .nest("api/", built(inner))
        .name("api")
        .route("a/", app(3))
        .name("a");
    let router = built(router);

    for (path, name) in [
        ("/api/r/", Some("api:room")),
        ("/api/s/", None),
        ("/a/", Some("a")),
    ] {
        assert_eq!(router.resolve(path).unwrap().name(), name, "{path}");
    }
}

#[test]
fn two_routes_of_one_name_are_a_fault() {
    let inner = || built(Router::<Http>::builder().route("", app(1)).name("it"));

    assert!(
        Router::builder()
            .nest("a/", inner())
            .nest("b/", inner())
            .build()
            .is_err()
    );
}

#[test]
fn values_are_percent_encoded() {
    let router = named("about/<str:what>/<path:more>");

    assert_eq!(
        router
            .url_for("it", &[("what", "a b?%é"), ("more", "x/y@:;")])
            .unwrap(),
        "/about/a%20b%3F%25%C3%A9/x/y@:;"
    );
}

#[test]
fn error_tells_what_is_wrong() {
    let router = named("<slug:a>/<int:b>/");
    let error = |values: &[(&str, &str)]| router.url_for("it", values).unwrap_err();

    assert!(matches!(
        router.url_for("other", &[]),
        Err(UrlError::NoRoute(_))
    ));
    assert!(matches!(error(&[("a", "x")]), UrlError::Missing { param, .. } if param == "b"));
    assert!(matches!(
        error(&[("a", "x"), ("b", "y")]),
        UrlError::Invalid { param, value, .. } if param == "b" && value == "y"
    ));
    assert!(matches!(
        error(&[("a", "x"), ("b", "1"), ("c", "1")]),
        UrlError::Unknown { param, .. } if param == "c"
    ));
}

#[test]
fn url_that_would_be_read_differently_is_an_error() {
    let ambiguous = |router: Router<Http>, values: &[(&str, &str)]| {
        matches!(
            router.url_for("it", values),
            Err(UrlError::Ambiguous { .. })
        )
    };

    assert!(ambiguous(
        named("<str:a>-<str:b>"),
        &[("a", "1"), ("b", "2-3")]
    ));
    assert!(ambiguous(named("<path:a>"), &[("a", "/x")]));
    assert!(ambiguous(named("<str:a>/b/"), &[("a", "..")]));
    assert!(ambiguous(named_regex(r"^a/(?P<n>\d+)/$"), &[("n", "x")]));
    let inner = built(Router::builder().route("<int:b>/", app(1)).name("it"));
    let nested = built(Router::builder().nest("<int:a>", inner));
    assert!(ambiguous(nested, &[("a", "1"), ("b", "2")]));
}

#[test]
fn expressions_are_reversed_if_they_leave_no_choice() {
    let router = named_regex(r"^a\.b/(?P<n>\d+)/(?:page/(?P<page>\d+)/)?$");

    assert_eq!(router.url_for("it", &[("n", "7")]).unwrap(), "/a.b/7/");
    for choice in [r"^(\d+)/$", r"^a|b$", r"^\d/$"] {
        let error = named_regex(choice).url_for("it", &[]).unwrap_err();
        assert_eq!(error, UrlError::Irreversible("it".into()), "{choice}");
    }
}

proptest! {
    #[test]
    fn url_is_resolved_to_the_values_it_was_made_of(
        slug in "[-a-zA-Z0-9_]{1,9}",
        n: u32,
        text in "[^/\u{0}]{1,9}",
        rest in "[^\n\u{0}]{1,9}",
    ) {
        let router = named("x/<slug:s>/<u32:n>/<t>/<path:p>");
        let n = n.to_string();
        let values = [("s", &*slug), ("n", &*n), ("t", &*text), ("p", &*rest)];

        let url = match router.url_for("it", &values) {
            // A dot segment, which no client would send.
            Err(UrlError::Ambiguous { path, .. }) => {
                prop_assert!(path.split('/').any(|segment| [".", ".."].contains(&segment)));
                return Ok(());
            }
            url => url.unwrap(),
        };
        let path = percent_decode_str(&url).decode_utf8().unwrap();
        let route = router.resolve(&path).unwrap();

        prop_assert_eq!(route.params().collect::<Vec<_>>(), values);
    }
}
