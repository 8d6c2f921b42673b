//! By protocol.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
};

use solent_spec::{Application, BoxApplication, Protocol};

/// One application for each protocol, of whatever kinds.
///
/// ```
/// use solent_routing::Protocols;
/// use solent_spec::{Connection, Http, Result, WebSocket};
///
/// async fn page(_: Connection<Http>) -> Result {
///     Ok(())
/// }
///
/// let protocols = Protocols::new().with::<Http>(page);
///
/// assert!(protocols.get::<Http>().is_some());
/// assert!(protocols.get::<WebSocket>().is_none());
/// ```
#[derive(Default)]
pub struct Protocols {
    applications: HashMap<TypeId, (&'static str, Box<dyn Any + Send + Sync>)>,
}

impl Protocols {
    /// No application for any protocol.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the application for a protocol.
    #[must_use]
    pub fn with<P: Protocol>(mut self, application: impl Application<P>) -> Self {
        let application = BoxApplication::<P>::new(application);
        self.applications
            .insert(TypeId::of::<P>(), (P::NAME, Box::new(application)));
        self
    }

    /// The names of the protocols that have an application.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.applications.values().map(|(name, _)| *name)
    }

    /// The application for a protocol.
    pub fn get<P: Protocol>(&self) -> Option<&BoxApplication<P>> {
        self.applications.get(&TypeId::of::<P>())?.1.downcast_ref()
    }
}

impl fmt::Debug for Protocols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
