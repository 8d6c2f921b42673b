//! A live calculator: the result of an expression while it is typed.

use serde::{Deserialize, Serialize};
use solent::{
    JsonWebSocketConsumer, NoEvents, Result, Solent, WebSocketContext, json_websocket_consumer,
};

#[derive(Deserialize)]
struct Question {
    expression: String,
}

#[derive(Serialize)]
struct Answer {
    result: String,
}

struct Calculator;

impl JsonWebSocketConsumer for Calculator {
    type Input = Question;
    type Event = NoEvents;

    async fn receive_json(&mut self, cx: &mut WebSocketContext, question: Question) -> Result {
        let result =
            evaluate(&question.expression).unwrap_or_else(|| "Invalid Expression".to_owned());
        cx.send_json(&Answer { result }).await
    }
}

/// The longest expression that is looked at.
const MAX_LEN: usize = 200;

/// The value of an arithmetic expression; `None` for anything else.
fn evaluate(expression: &str) -> Option<String> {
    let is_arithmetic = |c: char| c.is_ascii_digit() || " .+-*/^()".contains(c);
    if expression.len() > MAX_LEN || !expression.chars().all(is_arithmetic) {
        return None;
    }
    let value = exmex::eval_str::<f64>(expression)
        .ok()
        .filter(|value| value.is_finite())?;
    Some(value.to_string())
}

pub(crate) fn routes(app: Solent) -> Solent {
    app.websocket("ws/livec/", json_websocket_consumer(|_| Ok(Calculator)))
}

fn main() -> Result {
    Ok(routes(Solent::new()).bind("127.0.0.1:8000").run()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_has_a_value_and_nothing_else_has() {
        for (expression, value) in [
            ("(1+2)*3", "9"),
            ("7/2", "3.5"),
            ("-2^2 + 1", "5"),
            (" 10 ", "10"),
        ] {
            assert_eq!(evaluate(expression).as_deref(), Some(value), "{expression}");
        }
        for expression in [
            "",
            "(1+",
            "1/0",
            "sin(1)",
            "import os",
            &"(".repeat(200),
            &"1+".repeat(150),
        ] {
            assert_eq!(evaluate(expression), None, "{expression}");
        }
    }
}
