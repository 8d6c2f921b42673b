use solent_routing::Router;
use solent_spec::Http;

use super::driver::{app, get, get_under};

fn one(pattern: &str) -> Router<Http> {
    Router::builder().route(pattern, app(201)).build().unwrap()
}

fn one_regex(pattern: &str) -> Router<Http> {
    Router::builder()
        .route_regex(pattern, app(201))
        .build()
        .unwrap()
}

#[test]
fn all_leading_slashes_are_ignored() {
    assert_eq!(get(&one("foo/"), "//foo/").application, 201);
}

#[test]
fn missing_slash_is_no_match() {
    assert!(get(&one("foo/"), "/foo").is_not_found());
}

#[test]
fn regex_is_searched_for_and_leaves_a_rest() {
    let seen = get(&one_regex("bar"), "/xx/bar/yy");

    assert_eq!((seen.application, &*seen.rest), (201, "/yy"));
}

#[test]
fn int_has_no_sign_and_keeps_leading_zeros() {
    let router = one("a/<int:x>/<slug:y>/");

    assert!(get(&router, "/a/-1/x/").is_not_found());
    assert_eq!(get(&router, "/a/012/x/").params, ["x=012", "y=x"]);
}

#[test]
fn uuid_is_lower_case() {
    let router = one("u/<uuid:z>/");

    assert_eq!(
        get(&router, "/u/075194d3-6885-417e-a8a8-6c931e272f00/").application,
        201
    );
    assert!(get(&router, "/u/075194D3-6885-417E-A8A8-6C931E272F00/").is_not_found());
}

#[test]
fn path_is_not_empty() {
    let router = one("p/<path:rest>");

    assert!(get(&router, "/p/").is_not_found());
    assert_eq!(get(&router, "/p/a/b").params, ["rest=a/b"]);
}

#[test]
fn named_groups_drop_unnamed_ones() {
    let seen = get(&one_regex(r"^mix/(\d+)/(?P<n>\w+)/$"), "/mix/1/w/");

    assert!(seen.args.is_empty());
    assert_eq!(seen.params, ["n=w"]);
}

#[test]
fn optional_group_is_left_out() {
    assert!(
        get(&one_regex(r"^opt/(?P<o>\d+)?$"), "/opt/")
            .params
            .is_empty()
    );
}

#[test]
fn inner_router_without_a_match_lets_the_outer_one_go_on() {
    let inner = Router::builder()
        .route("in/<int:b>/", app(201))
        .route("", app(202))
        .build()
        .unwrap();
    let router = Router::<Http>::builder()
        .nest("o/<int:a>/", inner)
        .route("o/<int:a>/zzz/", app(203))
        .build()
        .unwrap();

    assert_eq!(get(&router, "/o/1/zzz/").application, 203);
    assert_eq!(get(&router, "/o/1/").application, 202);
    let seen = get(&router, "/o/1/in/2/");
    assert_eq!(
        (seen.application, seen.params),
        (201, vec!["a=1".into(), "b=2".into()])
    );
    assert_eq!(seen.pattern, "o/<int:a>/in/<int:b>/");
    assert!(get(&router, "/o/1/other/").is_not_found());
}

#[test]
fn inner_capture_wins() {
    let inner = Router::builder()
        .route("in/<int:b>/", app(201))
        .build()
        .unwrap();
    let router = Router::<Http>::builder()
        .nest_regex(r"^k/(?P<b>\w+)/", inner)
        .build()
        .unwrap();

    assert_eq!(get(&router, "/k/q/in/9/").params, ["b=9"]);
}

#[test]
fn positional_captures_of_all_levels_are_kept() {
    let inner = Router::builder()
        .route_regex(r"^bar/(\d+)/$", app(201))
        .build()
        .unwrap();
    let router = Router::<Http>::builder()
        .nest_regex(r"^(\w+)/", inner)
        .build()
        .unwrap();

    assert_eq!(get(&router, "/foo/bar/3/").args, ["foo", "3"]);
}

#[test]
fn first_match_wins() {
    let router = Router::<Http>::builder()
        .route("", app(201))
        .route("foo/", app(202))
        .route_regex("bar", app(203))
        .route_regex(r"^posarg/(\d+)/$", app(204))
        .route("kwarg/<str:name>/", app(205))
        .route("kwarg/special/", app(206))
        .build()
        .unwrap();

    for (path, application) in [
        ("/", 201),
        ("/foo/", 202),
        ("/bar/", 203),
        ("/bar/baz/", 203),
        ("/posarg/123/", 204),
        ("/kwarg/special/", 205),
    ] {
        assert_eq!(get(&router, path).application, application, "{path}");
    }
    assert_eq!(get(&router, "/posarg/123/").args, ["123"]);
    assert!(get(&router, "/nothing/").is_not_found());
}

#[test]
fn root_path_is_cut_off() {
    let router = Router::<Http>::builder()
        .route("", app(201))
        .route("foo/", app(202))
        .build()
        .unwrap();

    assert_eq!(get_under(&router, "/root", "/root/").application, 201);
    assert_eq!(get_under(&router, "/root", "/root/foo/").application, 202);
    assert!(get_under(&router, "/root", "/").is_not_found());
    assert!(get_under(&router, "/root", "/root/root/foo/").is_not_found());
}
