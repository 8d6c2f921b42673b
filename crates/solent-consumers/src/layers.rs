//! How channel layers reach consumers.

use std::{collections::HashMap, sync::Arc};

use http::Extensions;
use solent_layer::{ChannelLayer, DynLayer};
use solent_spec::{
    Application, BoxApplication, Channel, Connection, HttpProtocol, Middleware, RequestScope,
};

use crate::NoLayer;

/// The alias of the layer that consumers use unless they name another.
pub(crate) const DEFAULT: &str = "default";

/// Channel layers by alias, as in Channels' `CHANNEL_LAYERS`. Cheap to clone.
///
/// A [`DynLayer`] in a connection's state is the layer `"default"`; this map is for those that have more than one.
#[derive(Clone, Debug, Default)]
pub struct Layers(Arc<HashMap<String, DynLayer>>);

impl Layers {
    /// No layers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a layer, or replaces the one that has the alias.
    #[must_use]
    pub fn with(mut self, alias: impl Into<String>, layer: impl ChannelLayer) -> Self {
        Arc::make_mut(&mut self.0).insert(alias.into(), DynLayer::new(layer));
        self
    }

    /// The layer with an alias.
    pub fn get(&self, alias: &str) -> Option<&DynLayer> {
        self.0.get(alias)
    }
}

/// The middleware that gives channel layers to the consumers inside it.
///
/// ```
/// # use solent_layer::ChannelLayer;
/// # use solent_consumers::WithLayer;
/// # fn given(memory: impl ChannelLayer, redis: impl ChannelLayer) {
/// let layers = WithLayer::new(memory).and("reliable", redis);
/// # let _ = layers;
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct WithLayer {
    default: Option<DynLayer>,
    layers: Layers,
}

impl WithLayer {
    /// Gives `layer` to consumers as their default one.
    pub fn new(layer: impl ChannelLayer) -> Self {
        Self {
            default: Some(DynLayer::new(layer)),
            layers: Layers::new(),
        }
    }

    /// Gives the layers of a map. The one called `"default"` is the consumers' default one.
    pub fn all(layers: Layers) -> Self {
        Self {
            default: layers.get(DEFAULT).cloned(),
            layers,
        }
    }

    /// Adds a layer under an alias of its own.
    #[must_use]
    pub fn and(mut self, alias: impl Into<String>, layer: impl ChannelLayer) -> Self {
        self.layers = self.layers.with(alias, layer);
        self
    }

    /// Leaves the layers in a scope's state.
    pub fn insert_into(&self, state: &mut Extensions) {
        if let Some(layer) = &self.default {
            state.insert(layer.clone());
        }
        if !self.layers.0.is_empty() {
            state.insert(self.layers.clone());
        }
    }

    /// Gives the layers to an application of the channel protocol.
    pub fn wrap_channel(&self, inner: impl Application<Channel>) -> BoxApplication<Channel> {
        let this = self.clone();
        let inner = BoxApplication::new(inner);
        BoxApplication::from_fn(move |mut connection: Connection<Channel>| {
            this.insert_into(&mut connection.scope_mut().state);
            inner.call(connection)
        })
    }
}

impl Middleware for WithLayer {
    fn wrap<P: HttpProtocol>(&self, inner: BoxApplication<P>) -> BoxApplication<P> {
        let this = self.clone();
        BoxApplication::from_fn(move |mut connection: Connection<P>| {
            this.insert_into(connection.scope_mut().link_mut().extensions_mut());
            inner.call(connection)
        })
    }
}

/// The layer with an alias, of those that a scope has.
pub(crate) fn find(
    default: Option<&DynLayer>,
    layers: Option<&Layers>,
    alias: &str,
) -> Result<DynLayer, NoLayer> {
    let default = default.filter(|_| alias == DEFAULT);
    let found = default.or_else(|| layers?.get(alias));
    found.cloned().ok_or_else(|| NoLayer::new(alias))
}

/// The same for a scope that began with a request.
pub(crate) fn find_in(scope: &impl RequestScope, alias: &str) -> Result<DynLayer, NoLayer> {
    find(scope.state(), scope.state(), alias)
}
