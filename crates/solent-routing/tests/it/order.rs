use proptest::{collection::vec, prelude::*};
use solent_routing::{Router, RouterBuilder};
use solent_spec::Http;

use super::driver::{app, built, get};

/// A route of any kind, written in the same letters as the paths.
#[derive(Clone, Debug)]
enum Route {
    Path(String),
    Regex(String),
    Nest(String, Vec<String>),
}

impl Route {
    fn add(&self, builder: RouterBuilder<Http>, number: u16) -> RouterBuilder<Http> {
        match self {
            Self::Path(pattern) => builder.route(&distinct(pattern), app(number)),
            Self::Regex(pattern) => builder.route_regex(pattern, app(number)),
            Self::Nest(pattern, inner) => {
                let inner = inner.iter().fold(Router::builder(), |router, pattern| {
                    router.route(&distinct(pattern), app(number))
                });
                builder.nest(&distinct(pattern), built(inner))
            }
        }
    }
}

/// Gives every parameter a name of its own.
fn distinct(pattern: &str) -> String {
    let mut parts = pattern.split(':');
    let first = parts.next().unwrap_or_default().to_owned();
    parts
        .enumerate()
        .fold(first, |out, (at, part)| format!("{out}:p{at}{part}"))
}

fn route() -> impl Strategy<Value = Route> {
    let path = "(([ab]|<int:n>|<str:s>|a<slug:s>|<path:p>|)/?){0,4}";
    let regex = r"\^?(([ab]|[ab]\?|\\w|\.\*|a\|b|\(\?:a\|b/\))/?){0,3}\$?";
    prop_oneof![
        path.prop_map(Route::Path),
        regex.prop_map(Route::Regex),
        (path, vec(path, 0..3)).prop_map(|(prefix, inner)| Route::Nest(prefix, inner)),
    ]
}

proptest! {
    #[test]
    fn first_route_that_matches_alone_is_found_among_all(
        routes in vec(route(), 1..20),
        path in "/(([ab]|[0-9]|)/?){0,5}",
    ) {
        let numbered: Vec<_> = routes.iter().zip(1..).collect();
        // Each in a router of its own, where the index has nothing to choose from.
        let alone = numbered.iter().find_map(|(route, number)| {
            let answer = get(&built(route.add(Router::builder(), *number)), &path);
            (answer.answer != 404).then_some(answer)
        });

        let all = numbered.iter().fold(Router::builder(), |router, (route, number)| route.add(router, *number));

        let found = get(&built(all), &path);
        prop_assert_eq!((found.answer != 404).then_some(found), alone);
    }
}
