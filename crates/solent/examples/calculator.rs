//! A live calculator: the result of an expression while it is typed.

use serde::{Deserialize, Serialize};
use solent::{Args, Error, Json, NoEvents, Result, Solent, WebSocketConsumer, WebSocketContext};

#[derive(Deserialize)]
struct Question {
    expression: String,
}

#[derive(Serialize)]
struct Answer {
    result: String,
}

#[derive(Default)]
struct Calculator;

impl WebSocketConsumer for Calculator {
    type Input = Json<Question>;
    type Event = NoEvents;

    async fn receive(
        &mut self,
        cx: &mut WebSocketContext,
        Json(question): Json<Question>,
    ) -> Result {
        let result =
            evaluate(&question.expression).unwrap_or_else(|| "Invalid Expression".to_owned());
        cx.send_json(&Answer { result }).await
    }
}

/// The longest expression that is looked at.
const MAX_LEN: usize = 200;

/// The value of an arithmetic expression; `None` for anything else.
fn evaluate(expression: &str) -> Option<String> {
    if expression.len() > MAX_LEN {
        return None;
    }
    let mut reader = Reader(expression);
    let value = reader.sum().filter(|value| value.is_finite())?;
    reader.is_at_end().then(|| value.to_string())
}

/// What is left of an expression. Its methods read what they are named for.
struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn sum(&mut self) -> Option<f64> {
        let mut sum = self.product()?;
        loop {
            if self.takes('+') {
                sum += self.product()?;
            } else if self.takes('-') {
                sum -= self.product()?;
            } else {
                return Some(sum);
            }
        }
    }

    fn product(&mut self) -> Option<f64> {
        let mut product = self.power()?;
        loop {
            if self.takes('*') {
                product *= self.power()?;
            } else if self.takes('/') {
                product /= self.power()?;
            } else {
                return Some(product);
            }
        }
    }

    fn power(&mut self) -> Option<f64> {
        let base = self.operand()?;
        if self.takes('^') {
            return Some(base.powf(self.power()?));
        }
        Some(base)
    }

    /// A number or a bracket, with its sign.
    fn operand(&mut self) -> Option<f64> {
        if self.takes('-') {
            return Some(-self.operand()?);
        }
        if self.takes('(') {
            let sum = self.sum()?;
            return self.takes(')').then_some(sum);
        }
        let is_no_digit = |c: char| !c.is_ascii_digit() && c != '.';
        let end = self.0.find(is_no_digit).unwrap_or(self.0.len());
        let (number, rest) = self.0.split_at(end);
        self.0 = rest;
        number.parse().ok()
    }

    fn takes(&mut self, sign: char) -> bool {
        let rest = self.0.trim_start();
        self.0 = rest.strip_prefix(sign).unwrap_or(rest);
        self.0.len() < rest.len()
    }

    fn is_at_end(&self) -> bool {
        self.0.trim_start().is_empty()
    }
}

pub(crate) fn routes(app: Solent) -> Solent {
    app.websocket("ws/livec/", Calculator::application())
}

fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().init();
    let app = routes(Solent::new()).bind("127.0.0.1:8000");
    app.args(Args::from_env()).run()
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
