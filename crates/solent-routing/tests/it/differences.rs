use solent_routing::Router;
use solent_spec::Http;

use super::driver::{app, get, get_under, one, one_regex};

#[test]
fn root_path_ends_with_a_segment_where_channels_cuts_anywhere() {
    let router = one("in/foo/");

    assert_eq!(get_under(&router, "/root", "/rootin/foo/").answer, 404);
    assert_eq!(get_under(&router, "/root", "/root/in/foo/").answer, 1);
}

#[test]
fn root_path_alone_is_the_empty_path_with_or_without_its_slash() {
    for root_path in ["/root", "/root/"] {
        assert_eq!(get_under(&one(""), root_path, "/root").answer, 1);
    }
    assert_eq!(get_under(&one(""), "/", "/").answer, 1);
}

#[test]
fn leading_slash_of_a_pattern_is_dropped_where_channels_never_matches() {
    assert_eq!(get(&one("/foo/"), "/foo/").answer, 1);
}

#[test]
fn expression_that_can_never_match_is_a_fault_where_channels_keeps_silent() {
    let builder = Router::<Http>::builder().route_regex("^/foo/$", app(1));

    let error = builder.build().unwrap_err();

    assert!(error.to_string().contains("leave out the slash"), "{error}");
}

#[test]
fn unnamed_group_without_a_match_is_empty_where_channels_gives_none() {
    let seen = get(&one_regex(r"^(a)?/(\d)$"), "/7");

    // The slash is the path's own.
    assert_eq!(seen.answer, 404);
    assert_eq!(get(&one_regex(r"^(a)?(\d)$"), "/7").args, ["", "7"]);
}

#[test]
fn unclosed_parameter_is_a_fault_where_channels_takes_it_literally() {
    assert!(
        Router::<Http>::builder()
            .route("a/<int:x", app(1))
            .build()
            .is_err()
    );
}

#[test]
fn paths_are_decoded_before_they_are_matched() {
    assert_eq!(
        get(&one("r/<str:name>/"), "/r/a%20%E4%B8%AD/").params,
        ["name=a 中"]
    );
    assert_eq!(get(&one("é/"), "/%C3%A9/").answer, 1);
}

#[test]
fn faults_are_reported_together() {
    let faulty = Router::<Http>::builder()
        .name("early")
        .route("<float:x>/", app(1))
        .name("of a faulty route")
        .route_regex("(", app(2))
        .param("of a faulty route", 1)
        .converter("broken", "(")
        .route("a/", app(3))
        .name("one")
        .route("b/", app(4))
        .name("one");

    let error = faulty.build().unwrap_err();

    let faults: Vec<_> = error.faults().collect();
    assert_eq!(faults.len(), 5, "{error}");
    for (fault, about) in faults
        .iter()
        .zip(["early", "float", "\"(\"", "broken", "one"])
    {
        assert!(fault.contains(about), "{fault}");
    }
}
