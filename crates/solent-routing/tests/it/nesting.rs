use solent_routing::Router;
use solent_spec::{BoxApplication, Http, Middleware};

use super::driver::{Mark, app, built, get, get_under};

fn pages() -> Router<Http> {
    built(Router::builder().route("page/<int:page>/", app(1)))
}

#[test]
fn nested_router_takes_part_in_matching_behind_middleware() {
    let router = Router::builder()
        .nest("number/<int:number>/", pages())
        .route("number/<int:number>/stuff/", app(2))
        .wrap(&Mark);
    let router = built(router);

    let seen = get(&router, "/number/42/page/3/");
    assert_eq!(seen.params, ["number=42", "page=3"]);
    assert_eq!(seen.marks, 1);
    assert_eq!(get(&router, "/number/42/stuff/").answer, 2);
    assert_eq!(get(&router, "/number/42/page/3/garbage").answer, 404);
}

#[test]
fn middleware_is_round_what_was_added_before_it() {
    let router = Router::builder()
        .nest("a/", pages().wrapped(&Mark))
        .wrap(&Mark)
        .route("b/", app(2));
    let router = built(router);

    assert_eq!(get(&router, "/a/page/1/").marks, 2);
    assert_eq!(get(&router, "/b/").marks, 0);
}

#[test]
fn mounted_router_goes_on_with_the_rest() {
    let behind = Mark.wrap(BoxApplication::new(pages()));
    let router = Router::builder()
        .mount("o/<int:a>/", behind.clone())
        .mount_regex(r"^r/(\w+)/", behind)
        .route("o/<int:a>/other/", app(2));
    let router = built(router);

    let seen = get(&router, "/o/1/page/2/");
    assert_eq!(seen.params, ["a=1", "page=2"]);
    assert_eq!(seen.pattern, "o/<int:a>/page/<int:page>/");
    assert_eq!((seen.answer, seen.marks), (1, 1));
    let seen = get(&router, "/r/x/page/2/");
    assert_eq!(
        (seen.args, seen.params),
        (vec!["x".into()], vec!["page=2".into()])
    );
    // A mount is final.
    assert_eq!(get(&router, "/o/1/other/").answer, 404);
}

#[test]
fn mounted_router_does_not_look_for_the_root_path_again() {
    let router = built(Router::builder().mount("", pages()));

    assert_eq!(get_under(&router, "/root", "/root/page/2/").answer, 1);
    assert_eq!(get_under(&router, "/page", "/page/page/2/").answer, 1);
    assert_eq!(
        get_under(&router, "/page", "/page/page/page/2/").answer,
        404
    );
}

#[test]
fn mounted_application_sees_the_rest_of_the_path() {
    let router = built(Router::<Http>::builder().mount("files/<slug:tree>/", app(1)));

    let seen = get(&router, "/files/src/a/b.rs");
    assert_eq!(
        (&*seen.rest, &*seen.pattern),
        ("a/b.rs", "files/<slug:tree>/")
    );
    assert_eq!(seen.params, ["tree=src"]);
}

#[test]
fn mount_takes_whole_segments() {
    let router = Router::<Http>::builder()
        .mount("axum", app(1))
        .mount("files/<slug:tree>", app(2))
        .mount_regex("^old", app(3))
        .mount("slash/", app(4))
        .mount("", app(5));
    let router = built(router);

    for (path, answer, rest) in [
        ("/axum", 1, ""),
        ("/axum/", 1, "/"),
        ("/axum/users", 1, "/users"),
        ("/axum2", 5, "axum2"),
        ("/axum-admin/users", 5, "axum-admin/users"),
        ("/axum%2Fusers", 1, "/users"),
        ("/files/src/main.rs", 2, "/main.rs"),
        ("/files/src.rs", 5, "files/src.rs"),
        ("/old", 3, ""),
        ("/old/page", 3, "/page"),
        ("/older", 5, "older"),
        ("/slash/x", 4, "x"),
        ("/slashed", 5, "slashed"),
    ] {
        let seen = get(&router, path);
        assert_eq!((seen.answer, &*seen.rest), (answer, rest), "{path}");
    }
}

#[test]
fn nested_router_may_go_on_within_a_segment_as_in_django() {
    let numbered = built(Router::<Http>::builder().route("<int:n>/", app(1)));
    let router = built(Router::builder().nest("v", numbered));

    assert_eq!(get(&router, "/v7/").params, ["n=7"]);
}

#[test]
fn fallback_of_a_nested_router_is_tried_before_further_routes() {
    let inner = Router::builder().route("a/", app(1)).fallback(app(2));
    let router = Router::<Http>::builder()
        .nest("api/<int:v>/", built(inner))
        .route("api/<int:v>/b/", app(3))
        .fallback(app(4));
    let router = built(router);

    let seen = get(&router, "/api/1/b/");
    assert_eq!((seen.answer, &*seen.rest), (2, "b/"));
    assert_eq!(seen.params, ["v=1"]);
    assert_eq!(get(&router, "/other/").answer, 4);
}

#[test]
fn captures_of_a_route_that_failed_later_are_forgotten() {
    let inner = built(Router::builder().route("<int:x>/<int:y>/end/", app(1)));
    let router = Router::<Http>::builder()
        .nest("<str:gone>/", inner)
        .route("a/<str:kept>/2/", app(2));

    assert_eq!(get(&built(router), "/a/1/2/").params, ["kept=1"]);
}

#[test]
fn one_router_can_be_nested_twice() {
    let router = Router::builder()
        .nest("a/", pages())
        .name("a")
        .nest("b/", pages())
        .name("b");
    let router = built(router);

    assert_eq!(get(&router, "/a/page/1/").pattern, "a/page/<int:page>/");
    assert_eq!(get(&router, "/b/page/1/").pattern, "b/page/<int:page>/");
}
