//! Where to go after a login.

use solent_edge::form_field;

/// The `next` of a query, if it is a path of this site.
pub(crate) fn next_page(query: &str) -> Option<String> {
    let page = form_field(query.as_bytes(), "next")?;
    is_own_path(&page).then(|| page.into_owned())
}

/// Whether browsers take `page` for a path of the host that they are at.
///
/// Two slashes begin another host's URL, a backslash counts as a slash, and what is white is removed before either is looked
/// at. Everything that is not of the plain characters of a URL is refused with them.
fn is_own_path(page: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    page.starts_with('/') && !page.starts_with("//") && page.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn own_pages_are_where_a_login_leads() {
        for (query, page) in [
            ("next=/", "/"),
            ("next=/chat/7/", "/chat/7/"),
            ("again&next=/a%3Fb%3Dc%26d", "/a?b=c&d"),
            ("next=/%25C3%25A4", "/%C3%A4"),
            ("next=//evil.example&next=/in/", "/in/"),
        ] {
            assert_eq!(next_page(query).as_deref(), Some(page), "{query}");
        }
    }

    #[test]
    fn other_sites_are_not() {
        for query in [
            "",
            "next",
            "next=",
            "next=chat",
            "after=/",
            "next=/in/&next=//evil.example",
            "next=https://evil.example/",
            "next=//evil.example/",
            "next=/%2Fevil.example/",
            "next=/%5Cevil.example/",
            "next=/\\evil.example/",
            "next=%5C%5Cevil.example/",
            "next=/%09/evil.example/",
            "next=%09//evil.example/",
            "next=/+/evil.example/",
            "next=/%0D%0Aset-cookie:%20a",
            "next=javascript:alert(1)",
            "next=/%FF",
            "next=/%C3%A4",
        ] {
            assert_eq!(next_page(query), None, "{query}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_returned_stays_on_the_site(query in "(next=)?[/%0-9A-F\\\\.:a-z\\t ]{0,20}") {
            if let Some(page) = next_page(&query) {
                prop_assert!(page.starts_with('/') && !page.starts_with("//"));
                prop_assert!(!page.contains('\\'));
                prop_assert!(HeaderValue::try_from(page).is_ok());
            }
        }
    }
}
