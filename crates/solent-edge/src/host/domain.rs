//! Domains and the patterns for them.

/// Whether `host` is what `pattern` says: the domain itself, or with a leading dot the domain and everything under it.
/// Both in lower case. Django's `is_same_domain`.
pub(crate) fn same_domain(host: &str, pattern: &str) -> bool {
    match pattern.strip_prefix('.') {
        Some(domain) => host == domain || host.ends_with(pattern),
        None => !pattern.is_empty() && host == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_stands_for_everything_under_a_domain() {
        for (host, pattern, wanted) in [
            ("example.com", "example.com", true),
            ("example.com", ".example.com", true),
            ("a.b.example.com", ".example.com", true),
            ("badexample.com", ".example.com", false),
            ("www.example.com", "example.com", false),
            ("example.com:8000", ".example.com", false),
            ("example.com", "", false),
            ("", "", false),
            ("", ".", true),
        ] {
            assert_eq!(same_domain(host, pattern), wanted, "{host} {pattern}");
        }
    }
}
