//! `Forwarded` (RFC 7239).

use std::borrow::Cow;

use solent_spec::RequestScope;

use super::{
    host, node,
    told::{Told, is_secure},
    walk::Trust,
};

/// What trusted proxies tell of the client of `scope`.
pub(super) fn read(scope: &impl RequestScope, trust: Trust<'_>) -> Told {
    let head = scope.head();
    let lines: Vec<_> = head.header_values("forwarded").collect();
    let elements = || lines.iter().rev().flat_map(|line| Elements(Some(line)));
    let client = |element: &[u8]| node::parse(&Element::parse(element)?.client?);
    let walk = trust.walk(scope.link().client(), elements().map(client));
    // The furthest proxy knows best what the client asked for.
    let mut told = Told {
        client: walk.client,
        ..Told::default()
    };
    for element in elements().take(walk.elements).filter_map(Element::parse) {
        told.secure = element
            .proto
            .and_then(|proto| is_secure(&proto))
            .or(told.secure);
        let host = element.host.filter(|host| host::parse(host).is_some());
        told.host = host.map(Cow::into_owned).or(told.host);
    }
    told
}

/// What is between the commas of a line, from the last one to the first.
///
/// Read backwards, so that nothing a client wrote, such as a quote that never ends, changes how the elements are read that
/// proxies wrote behind it.
struct Elements<'a>(Option<&'a [u8]>);

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let line = self.0?;
            let element = match last_comma(line) {
                Some(at) => {
                    self.0 = Some(&line[..at]);
                    &line[at + 1..]
                }
                None => {
                    self.0 = None;
                    line
                }
            };
            let element = element.trim_ascii();
            if !element.is_empty() {
                return Some(element);
            }
        }
    }
}

/// The last comma that is not in quotes, for a line whose end is not.
fn last_comma(line: &[u8]) -> Option<usize> {
    let mut quoted = false;
    for (at, byte) in line.iter().enumerate().rev() {
        match byte {
            b'"' if !quoted => quoted = true,
            b'"' => {
                let escapes = line[..at].iter().rev().take_while(|byte| **byte == b'\\');
                quoted = escapes.count() % 2 == 1;
            }
            b',' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// What one proxy says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Element<'a> {
    client: Option<Cow<'a, str>>,
    proto: Option<Cow<'a, str>>,
    host: Option<Cow<'a, str>>,
}

impl<'a> Element<'a> {
    /// RFC 7239 §4. `None` for what is no element: then nothing of it is believed.
    fn parse(element: &'a [u8]) -> Option<Self> {
        let mut rest = std::str::from_utf8(element).ok()?;
        let mut parsed = Self::default();
        while !rest.is_empty() {
            rest = match rest.strip_prefix(';') {
                Some(rest) => rest.trim_ascii_start(),
                None => parsed.take_pair(rest)?,
            };
        }
        Some(parsed)
    }

    /// Takes a pair off the front; what follows it begins with `;`, if it is not empty.
    fn take_pair(&mut self, text: &'a str) -> Option<&'a str> {
        let (name, value) = text.split_once('=')?;
        let (value, rest) = value_of(value)?;
        let rest = rest.trim_ascii_start();
        if !rest.is_empty() && !rest.starts_with(';') {
            return None;
        }
        let mut by = None;
        let place = match name.to_ascii_lowercase().as_str() {
            "for" => &mut self.client,
            "proto" => &mut self.proto,
            "host" => &mut self.host,
            _ => &mut by,
        };
        // A parameter that comes twice says nothing.
        match place.replace(value) {
            None => Some(rest),
            Some(_) => None,
        }
    }
}

/// A token or a quoted string, and what follows it. A token may be what most proxies write without quotes, such as an address
/// with a port.
fn value_of(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c: char| c == ';' || c.is_ascii_whitespace());
        let (token, rest) = text.split_at(end.unwrap_or(text.len()));
        return (!token.is_empty() && !token.contains('"')).then_some((token.into(), rest));
    };
    let end = end_of_quote(quoted)?;
    let (value, rest) = (&quoted[..end], &quoted[end + 1..]);
    let value = match value.contains('\\') {
        true => Cow::Owned(unescape(value)),
        false => Cow::Borrowed(value),
    };
    Some((value, rest))
}

/// Where the quote ends that `text` begins in.
fn end_of_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(line: &str) -> Vec<&str> {
        let elements = Elements(Some(line.as_bytes()));
        elements
            .map(|element| std::str::from_utf8(element).unwrap())
            .collect()
    }

    fn parse(element: &str) -> Option<[String; 3]> {
        let element = Element::parse(element.as_bytes())?;
        let text = |value: Option<Cow<'_, str>>| value.unwrap_or_default().into_owned();
        Some([
            text(element.client),
            text(element.proto),
            text(element.host),
        ])
    }

    #[test]
    fn elements_come_from_the_last_to_the_first() {
        assert_eq!(
            elements("for=a, for=b;proto=http ,, for=c"),
            ["for=c", "for=b;proto=http", "for=a"]
        );
        assert_eq!(
            elements(r#"for="a,b", for="\",c""#),
            [r#"for="\",c""#, r#"for="a,b""#]
        );
        assert_eq!(elements(" , "), [""; 0]);
    }

    #[test]
    fn quote_that_never_ends_hides_nothing_behind_it() {
        assert_eq!(
            elements(r#"for="evil, for=1.2.3.4"#),
            ["for=1.2.3.4", r#"for="evil"#]
        );
        assert_eq!(
            elements(r#"for="evil\, for="[::1]:4711""#)[0],
            r#"for="[::1]:4711""#
        );
    }

    #[test]
    fn elements_of_the_specification_are_read() {
        let is = |element: &str, client: &str, proto: &str, host: &str| {
            assert_eq!(
                parse(element),
                Some([client, proto, host].map(str::to_owned)),
                "{element}"
            );
        };
        is(r#"for="_gazonk""#, "_gazonk", "", "");
        is(
            r#"For="[2001:db8:cafe::17]:4711""#,
            "[2001:db8:cafe::17]:4711",
            "",
            "",
        );
        is(
            "for=192.0.2.60;proto=http;by=203.0.113.43",
            "192.0.2.60",
            "http",
            "",
        );
        is(r#"host="a\"b";PROTO=https"#, "", "https", r#"a"b"#);
        is(
            "for=192.0.2.1:80; host=example.org:8080 ;",
            "192.0.2.1:80",
            "",
            "example.org:8080",
        );
        is("", "", "", "");
    }

    #[test]
    fn element_that_is_none_says_nothing() {
        for element in [
            "for",
            "for=",
            r#"for=""x"#,
            r#"for="x"#,
            r#"for="x\""#,
            "for=a;for=b",
            "for=a b",
            r#"for=a"b""#,
            "=;x",
        ] {
            assert_eq!(parse(element), None, "{element}");
        }
        assert_eq!(Element::parse(b"for=\xff"), None);
    }
}
