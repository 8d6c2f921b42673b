//! Reading Django's path syntax.

use std::collections::HashMap;

use super::Part;
use crate::converter::Kind;

/// The parts of `chat/<slug:room>/`. The error says what is wrong.
pub(super) fn parse(source: &str, converters: &HashMap<String, Kind>) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = source;
    while let Some((literal, after)) = rest.split_once('<') {
        let (param, after) = after.split_once('>').ok_or("has a \"<\" without a \">\"")?;
        push_literal(&mut parts, literal);
        let param = parse_param(param, converters)?;
        if parts.iter().any(|part| part.name() == param.name()) {
            return Err("has two parameters with one name".to_owned());
        }
        parts.push(param);
        rest = after;
    }
    push_literal(&mut parts, rest);
    Ok(parts)
}

/// What is between `<` and `>`.
fn parse_param(text: &str, converters: &HashMap<String, Kind>) -> Result<Part, String> {
    let (kind, name) = text.split_once(':').unwrap_or(("str", text));
    if text.contains(char::is_whitespace) {
        return Err(format!("has white space in <{text}>"));
    }
    if !is_identifier(name) {
        return Err(format!("has a parameter {name:?}, which is no identifier"));
    }
    let known = converters
        .get(kind)
        .cloned()
        .or_else(|| Kind::built_in(kind));
    let kind = known.ok_or_else(|| {
        format!("has an unknown converter in <{text}>, register it with `converter` first")
    })?;
    Ok(Part::Param {
        name: name.into(),
        kind: Some(kind),
    })
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn push_literal(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Literal(text.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_named() {
        for (source, what) in [
            ("<int:a", "without"),
            ("<int: a>", "white space"),
            ("<int:1a>", "no identifier"),
            ("<>", "no identifier"),
            ("<:a>", "unknown converter"),
            ("<float:a>", "unknown converter"),
            ("<a>/<a>", "two parameters"),
        ] {
            let fault = parse(source, &HashMap::new()).unwrap_err();
            assert!(fault.contains(what), "{source}: {fault}");
        }
    }

    #[test]
    fn str_is_the_default_converter() {
        let parts = parse("a/<größe>>", &HashMap::new()).unwrap();

        assert_eq!(
            format!("{parts:?}"),
            r#"[Literal("a/"), Param { name: "größe", kind: Some([^/]+) }, Literal(">")]"#
        );
    }
}
