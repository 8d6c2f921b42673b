//! What is wrong with routes.

/// A router could not be built. All its faults are listed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("router has faulty routes: {}", .faults.join("; "))]
pub struct RouteError {
    faults: Vec<String>,
}

impl RouteError {
    pub(crate) fn new(faults: Vec<String>) -> Self {
        Self { faults }
    }

    /// What is wrong, each with the pattern it is wrong with.
    pub fn faults(&self) -> impl Iterator<Item = &str> {
        self.faults.iter().map(String::as_str)
    }
}

/// A URL could not be made of a route's name and parameters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// No route has the name.
    #[error("no route is named {0:?}")]
    NoRoute(String),

    /// The route needs a parameter that was not given.
    #[error("route {route:?} needs a value for {param:?}")]
    Missing {
        /// The route's name.
        route: String,
        /// The parameter's name.
        param: String,
    },

    /// A parameter was given that the route does not have.
    #[error("route {route:?} has no parameter {param:?}")]
    Unknown {
        /// The route's name.
        route: String,
        /// The parameter's name.
        param: String,
    },

    /// A value does not match its part of the pattern.
    #[error("route {route:?} does not take {value:?} for {param:?}")]
    Invalid {
        /// The route's name.
        route: String,
        /// The parameter's name.
        param: String,
        /// The value.
        value: String,
    },

    /// The values fit, but the URL made of them would be read differently: the route would not match it, or with other
    /// values.
    #[error("route {route:?} would not read {path:?} as it was written")]
    Ambiguous {
        /// The route's name.
        route: String,
        /// The path that was made, decoded.
        path: String,
    },

    /// The route is a regular expression with choices, or with unnamed groups, which cannot be run backwards.
    #[error("route {0:?} is a regular expression that cannot be reversed, write its URL yourself")]
    Irreversible(String),
}
