//! What Redis answers, read with care: it may be anything.

use redis::Value;

/// Bytes.
pub(super) fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.as_bytes()),
        _ => None,
    }
}

/// A whole number.
pub(super) fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        _ => None,
    }
}

/// A score, which is text in the older protocol.
pub(super) fn score(value: &Value) -> Option<f64> {
    match value {
        Value::Double(score) => Some(*score),
        Value::Int(score) => Some(*score as f64),
        other => str::from_utf8(bytes(other)?).ok()?.parse().ok(),
    }
}

/// Items; none, if it is no list.
pub(super) fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) | Value::Set(items) => items,
        _ => &[],
    }
}

/// Members of a sorted set with their scores, in pairs or in turns.
pub(super) fn scored(value: Value) -> Vec<(Vec<u8>, f64)> {
    let Value::Array(items) = value else {
        return Vec::new();
    };
    let mut all = Vec::with_capacity(items.len());
    let mut items = items.into_iter();
    while let Some(item) = items.next() {
        let (member, at) = match item {
            Value::Array(pair) => {
                let mut pair = pair.into_iter();
                (pair.next(), pair.next())
            }
            member => (Some(member), items.next()),
        };
        if let (Some(Value::BulkString(member)), Some(at)) = (member, at)
            && let Some(at) = score(&at)
        {
            all.push((member, at));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_in_both_protocols() {
        let member = |bytes: &[u8]| Value::BulkString(bytes.to_vec());
        let old = Value::Array(vec![
            member(b"a"),
            member(b"1.5"),
            member(b"b"),
            member(b"2"),
        ]);
        let new = Value::Array(vec![
            Value::Array(vec![member(b"a"), Value::Double(1.5)]),
            Value::Array(vec![member(b"b"), Value::Double(2.0)]),
        ]);

        for value in [old, new] {
            assert_eq!(scored(value), [(b"a".to_vec(), 1.5), (b"b".to_vec(), 2.0)]);
        }
    }

    #[test]
    fn anything_else_is_nothing() {
        for value in [
            Value::Nil,
            Value::Okay,
            Value::Array(vec![Value::Nil, Value::Nil, Value::Int(1)]),
            Value::Array(vec![Value::Array(vec![])]),
        ] {
            assert_eq!(scored(value), []);
        }
        assert_eq!(score(&Value::BulkString(b"x".to_vec())), None);
        assert!(items(&Value::Nil).is_empty());
    }
}
