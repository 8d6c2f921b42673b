use proptest::prelude::*;
use solent_routing::{ChannelRouter, Router};
use solent_spec::{BoxApplication, Connection, Http, HttpProtocol, Middleware, RequestScope};

use super::driver::{app, get, get_under};

#[test]
fn root_path_ends_with_a_segment() {
    let router = Router::<Http>::builder()
        .route("in/foo/", app(201))
        .build()
        .unwrap();

    assert!(get_under(&router, "/root", "/rootin/foo/").is_not_found());
}

struct Mark;

impl Middleware for Mark {
    fn wrap<P: HttpProtocol>(&self, inner: BoxApplication<P>) -> BoxApplication<P> {
        BoxApplication::new(move |mut connection: Connection<P>| {
            connection.scope_mut().link_mut().insert(1u8);
            inner.call(connection)
        })
    }
}

#[test]
fn nested_router_takes_part_in_matching_behind_middleware() {
    let inner = Router::builder()
        .route("page/<int:page>/", app(201))
        .build()
        .unwrap();
    let router = Router::<Http>::builder()
        .nest("number/<int:number>/", inner)
        .route("number/<int:number>/stuff/", app(202))
        .wrap(&Mark)
        .build()
        .unwrap();

    assert_eq!(
        get(&router, "/number/42/page/3/").params,
        ["number=42", "page=3"]
    );
    assert_eq!(get(&router, "/number/42/stuff/").application, 202);
    assert!(get(&router, "/number/42/page/3/garbage").is_not_found());
}

#[test]
fn mounted_router_goes_on_with_the_rest() {
    let inner = Router::<Http>::builder()
        .route("in/<int:b>/", app(201))
        .build()
        .unwrap();
    let router = Router::<Http>::builder()
        .mount("o/<int:a>/", Mark.wrap(BoxApplication::new(inner)))
        .build()
        .unwrap();

    assert_eq!(get(&router, "/o/1/in/2/").params, ["a=1", "b=2"]);
}

#[test]
fn paths_are_decoded_before_they_are_matched() {
    let router = Router::<Http>::builder()
        .route("r/<str:name>/", app(201))
        .build()
        .unwrap();

    assert_eq!(get(&router, "/r/a%20%E4%B8%AD/").params, ["name=a 中"]);
}

#[test]
fn faults_are_reported_together() {
    let faulty = Router::<Http>::builder()
        .route("<float:x>/", app(201))
        .route_regex("(", app(202))
        .route("a/", app(203))
        .name("one")
        .name("one");

    let error = faulty.build().unwrap_err();

    assert_eq!(error.faults().count(), 3, "{error}");
}

#[test]
fn urls_are_made_of_names() {
    let inner = Router::<Http>::builder()
        .route("r/<slug:room>/", app(201))
        .name("room")
        .build()
        .unwrap();
    let router = Router::<Http>::builder()
        .nest("api/<int:version>/", inner)
        .name("api")
        .route("about/<str:what>/", app(202))
        .name("about")
        .route_regex("x", app(203))
        .name("regex")
        .build()
        .unwrap();

    assert_eq!(
        router
            .url_for("api:room", &[("version", "1"), ("room", "a-b")])
            .unwrap(),
        "/api/1/r/a-b/"
    );
    assert_eq!(
        router.url_for("about", &[("what", "a b?")]).unwrap(),
        "/about/a%20b%3F/"
    );
    for (name, values) in [
        ("none", vec![]),
        ("about", vec![]),
        ("about", vec![("what", "a/b")]),
        ("regex", vec![]),
    ] {
        assert!(router.url_for(name, &values).is_err(), "{name}");
    }
}

#[test]
fn channel_router_names_the_channel_it_does_not_know() {
    let router = BoxApplication::new(ChannelRouter::new());
    let scope = solent_spec::channel::ChannelScope::new("chat");
    struct Nothing;
    impl solent_spec::Transport<solent_spec::Channel> for Nothing {
        fn poll_receive(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<solent_spec::Message>> {
            std::task::Poll::Ready(None)
        }
        fn start_send(
            &mut self,
            event: std::convert::Infallible,
        ) -> Result<(), solent_spec::SendError> {
            match event {}
        }
        fn poll_flush(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), solent_spec::SendError>> {
            std::task::Poll::Ready(Ok(()))
        }
    }

    let error =
        futures::executor::block_on(router.call(Connection::new(scope, Nothing))).unwrap_err();

    assert!(error.to_string().contains("\"chat\""), "{error}");
}

proptest! {
    #[test]
    fn index_finds_what_trying_every_route_finds(
        patterns in proptest::collection::vec("([ab]/|<int:n>/|<str:s>/){0,4}", 1..20),
        path in "/([ab]/|[0-9]/){0,5}",
    ) {
        // Of each pattern a router of its own: the first that matches is what the common router has to find.
        let mut common = Router::<Http>::builder();
        let mut expected = 0;
        for (at, pattern) in patterns.iter().enumerate() {
            let pattern = distinct(pattern);
            let number = 200 + at as u16;
            common = common.route(&pattern, app(number));
            let alone = Router::<Http>::builder().route(&pattern, app(number)).build().unwrap();
            if expected == 0 {
                expected = get(&alone, &path).application;
            }
        }

        prop_assert_eq!(get(&common.build().unwrap(), &path).application, expected);
    }
}

/// Gives every parameter a name of its own.
fn distinct(pattern: &str) -> String {
    let mut parts = pattern.split(':');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for (at, part) in parts.enumerate() {
        out.push_str(&format!(":p{at}{part}"));
    }
    out
}
