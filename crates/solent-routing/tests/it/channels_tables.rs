use solent_routing::Router;
use solent_spec::Http;

use super::driver::{Mark, app, built, get, get_under, one, one_regex};

#[test]
fn all_leading_slashes_are_ignored() {
    assert_eq!(get(&one("foo/"), "//foo/").answer, 1);
}

#[test]
fn missing_slash_is_no_match() {
    assert_eq!(get(&one("foo/"), "/foo").answer, 404);
}

#[test]
fn regex_is_searched_for_and_leaves_a_rest() {
    let seen = get(&one_regex("bar"), "/xx/bar/yy");

    assert_eq!((seen.answer, &*seen.rest), (1, "/yy"));
}

#[test]
fn int_has_no_sign_and_may_begin_with_zeros() {
    let router = one("a/<int:x>/<slug:y>/");

    assert_eq!(get(&router, "/a/-1/x/").answer, 404);
    assert_eq!(get(&router, "/a/012/x/").params, ["x=012", "y=x"]);
    assert_eq!(
        router.resolve("/a/012/x/").unwrap().parse::<u8>("x"),
        Ok(12)
    );
}

#[test]
fn uuid_is_lower_case() {
    let router = one("u/<uuid:z>/");

    assert_eq!(
        get(&router, "/u/075194d3-6885-417e-a8a8-6c931e272f00/").answer,
        1
    );
    assert_eq!(
        get(&router, "/u/075194D3-6885-417E-A8A8-6C931E272F00/").answer,
        404
    );
}

#[test]
fn path_is_not_empty() {
    let router = one("p/<path:rest>");

    assert_eq!(get(&router, "/p/").answer, 404);
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
    let router = one_regex(r"^opt/(?P<o>\d+)?$");

    let seen = get(&router, "/opt/");
    assert_eq!((seen.answer, seen.params.len(), seen.args.len()), (1, 0, 0));
    assert_eq!(get(&router, "/opt/7").params, ["o=7"]);
}

#[test]
fn parameters_of_the_route_override_captured_ones() {
    let builder = Router::builder().route("d/<str:v>/", app(1));
    let router = built(builder.param("v", "forced").param("k", 1));

    assert_eq!(get(&router, "/d/real/").params, ["v=forced", "k=1"]);
}

#[test]
fn inner_router_without_a_match_lets_the_outer_one_go_on() {
    let inner = Router::builder()
        .route("in/<int:b>/", app(1))
        .route("", app(2));
    let router = Router::<Http>::builder()
        .nest("o/<int:a>/", built(inner))
        .route("o/<int:a>/zzz/", app(3));
    let router = built(router);

    let seen = get(&router, "/o/1/zzz/");
    assert_eq!((seen.answer, &*seen.pattern), (3, "o/<int:a>/zzz/"));
    assert_eq!(seen.params, ["a=1"]);
    assert_eq!(get(&router, "/o/1/").answer, 2);
    let seen = get(&router, "/o/1/in/2/");
    assert_eq!((seen.answer, &*seen.pattern), (1, "o/<int:a>/in/<int:b>/"));
    assert_eq!(seen.params, ["a=1", "b=2"]);
    assert_eq!(get(&router, "/o/1/other/").answer, 404);
}

#[test]
fn inner_capture_wins() {
    let inner = built(Router::builder().route("in/<int:b>/", app(1)));
    let router = built(Router::<Http>::builder().nest_regex(r"^k/(?P<b>\w+)/", inner));

    assert_eq!(get(&router, "/k/q/in/9/").params, ["b=9"]);
}

#[test]
fn inner_parameter_of_a_route_wins() {
    let inner = built(
        Router::builder()
            .route("<int:a>/", app(1))
            .param("b", "inner"),
    );
    let outer = Router::<Http>::builder().nest("<int:b>/", inner);
    let router = built(outer.param("b", "outer").param("a", "outer"));

    assert_eq!(get(&router, "/1/2/").params, ["a=2", "b=inner"]);
}

#[test]
fn first_match_wins() {
    let router = Router::<Http>::builder()
        .route("", app(1))
        .route("foo/", app(2))
        .route_regex("bar", app(3))
        .route_regex(r"^posarg/(\d+)/$", app(4))
        .route("kwarg/<str:name>/", app(5))
        .route("kwarg/special/", app(6))
        .route("defaultkwarg/", app(7))
        .param("default", 42);
    let router = built(router);

    for (path, answer) in [
        ("/", 1),
        ("/foo/", 2),
        ("/bar/", 3),
        ("/bar/baz/", 3),
        ("/posarg/123/", 4),
        ("/kwarg/special/", 5),
        ("/defaultkwarg/", 7),
        ("/nothing/", 404),
    ] {
        assert_eq!(get(&router, path).answer, answer, "{path}");
    }
    assert_eq!(get(&router, "/posarg/123/").args, ["123"]);
    assert_eq!(get(&router, "/kwarg/hello/").params, ["name=hello"]);
    assert_eq!(get(&router, "/defaultkwarg/").params, ["default=42"]);
}

#[test]
fn root_path_is_cut_off() {
    let inner = built(Router::builder().route_regex("^foo/$", app(3)));
    let router = Router::<Http>::builder()
        .route("", app(1))
        .route("foo/", app(2))
        .nest("prefix/", inner)
        .route("prefix/stuff/", app(4));
    let router = built(router);

    for (path, answer) in [
        ("/root/", 1),
        ("/root/foo/", 2),
        ("/root/prefix/foo/", 3),
        ("/root/prefix/stuff/", 4),
        ("/", 404),
        ("/foo/", 404),
        ("/root/root/foo/", 404),
        ("/root/root/prefix/stuff/", 404),
    ] {
        assert_eq!(get_under(&router, "/root", path).answer, answer, "{path}");
    }
}

#[test]
fn captures_of_all_levels_are_merged() {
    let inner = || {
        Router::<Http>::builder()
            .route_regex(r"^book/(?P<book>[\w\-]+)/page/(?P<page>\d+)/$", app(1))
            .route_regex(r"^test/(\d+)/$", app(2))
    };
    let router = Router::builder()
        .nest_regex(r"^universe/(?P<universe>\d+)/", built(inner()))
        .nest_regex(r"^positional/(\w+)/", built(inner()));
    let router = built(router);

    let seen = get(&router, "/universe/42/book/channels-guide/page/10/");
    assert_eq!(
        seen.params,
        ["universe=42", "book=channels-guide", "page=10"]
    );
    let seen = get(&router, "/positional/foo/test/3/");
    assert_eq!(seen.args, ["foo", "3"]);
    assert_eq!(get(&router, "/universe/42/book/a/page/10/x").answer, 404);
}

#[test]
fn captures_are_merged_through_middleware() {
    let inner = built(Router::builder().route("page/<int:page>/", app(1)));
    let router =
        built(Router::<Http>::builder().nest("number/<int:number>/", inner.wrapped(&Mark)));

    let seen = get(&router, "/number/42/page/3/");
    assert_eq!((seen.answer, seen.marks), (1, 1));
    assert_eq!(seen.params, ["number=42", "page=3"]);
    assert_eq!(get(&router, "/number/42/page/3/garbage").answer, 404);
}

#[test]
fn expression_that_ends_with_a_dollar_has_to_match_the_whole_path() {
    let router = one_regex("bar/$");

    assert_eq!(get(&router, "/bar/").answer, 1);
    assert_eq!(get(&router, "/xx/bar/").answer, 404);
    assert_eq!(get(&router, "/bar/xx").answer, 404);
}

#[test]
fn prefix_need_not_end_with_a_segment() {
    let inner = || built(Router::<Http>::builder().route_regex("^(.*)$", app(1)));
    let literal = built(Router::builder().nest("ab", inner()));
    let converted = built(Router::builder().nest("<int:n>", inner()));

    assert_eq!(get(&literal, "/abc/d").args, ["c/d"]);
    assert_eq!(get(&converted, "/12c").params, ["n=12"]);
}

#[test]
fn converter_that_refuses_a_value_is_no_match() {
    let router = Router::<Http>::builder()
        .route("<u32:n>/", app(1))
        .route("<int:n>/", app(2));
    let router = built(router);

    assert_eq!(get(&router, "/4294967295/").answer, 1);
    assert_eq!(get(&router, "/4294967296/").answer, 2);
}
