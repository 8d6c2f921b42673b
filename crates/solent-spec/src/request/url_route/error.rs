//! What is wrong with a parameter.

use std::{any::type_name, fmt::Display};

use serde::de;

/// A part of the URL is not what the application expects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct ParamError {
    problem: String,
    misfit: bool,
}

impl ParamError {
    /// Whether the route has the parameter, and what the client wrote there does not fit: the client's fault. Otherwise the
    /// pattern and the application do not agree.
    pub fn is_misfit(&self) -> bool {
        self.misfit
    }

    pub(super) fn missing<T>(name: &str) -> Self {
        let problem = format!(
            "route has no parameter {name:?}, add <{name}> to its pattern to get a {}",
            type_name::<T>()
        );
        Self {
            problem,
            misfit: false,
        }
    }

    pub(super) fn invalid<T>(name: &str) -> Self {
        Self::about(name, format_args!("is not a valid {}", type_name::<T>()))
    }

    /// A problem with the parameter of a name, or with a capture without one.
    pub(super) fn about(name: &str, problem: impl Display) -> Self {
        let problem = match name {
            "" => format!("unnamed route parameter {problem}"),
            name => format!("route parameter {name:?} {problem}"),
        };
        Self {
            problem,
            misfit: true,
        }
    }
}

impl de::Error for ParamError {
    fn custom<T: Display>(problem: T) -> Self {
        Self {
            problem: problem.to_string(),
            misfit: false,
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            problem: format!("route has no parameter {field:?}, add <{field}> to its pattern"),
            misfit: false,
        }
    }
}
