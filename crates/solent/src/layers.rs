//! The channel layers of an application.

use solent_consumers::WithLayer;
use solent_layer::{ChannelLayer, DynLayer, LayerError};
use solent_spec::Chain;

use crate::{
    error::Error,
    layer_url::{LayerUrl, layer_from_url},
};

/// What is given as a layer, until the application starts.
#[derive(Default)]
pub(crate) struct Chosen {
    /// Chosen on the command line or in the environment; it counts before `given`.
    pub(crate) url: Option<LayerUrl>,
    pub(crate) given: Option<DynLayer>,
    /// The same for layers with an alias.
    pub(crate) named_urls: Vec<(String, LayerUrl)>,
    pub(crate) named: Vec<(String, DynLayer)>,
}

/// The alias of the layer that is used where no other is named.
pub(crate) const DEFAULT: &str = "default";

/// A layer of the application.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) alias: String,
    pub(crate) layer: DynLayer,
    /// Whether no other process can reach it, as far as is known.
    pub(crate) is_local: bool,
}

/// All layers of the application; the default one first.
#[derive(Clone, Debug)]
pub(crate) struct AllLayers(Vec<Layer>);

impl Chosen {
    /// Makes the layers.
    pub(crate) fn make(self) -> Result<AllLayers, Error> {
        let is_local = self
            .url
            .as_ref()
            .map_or(self.given.is_none(), LayerUrl::is_local);
        let default = match (self.url, self.given) {
            (Some(url), _) => layer_from_url(&url)?,
            (None, Some(layer)) => layer,
            (None, None) => default_layer()?,
        };
        let mut all = AllLayers(vec![Layer {
            alias: DEFAULT.to_owned(),
            layer: default,
            is_local,
        }]);
        for (alias, layer) in self.named {
            all.set(alias, layer, false);
        }
        for (alias, url) in self.named_urls {
            all.set(alias, layer_from_url(&url)?, url.is_local());
        }
        Ok(all)
    }
}

impl AllLayers {
    fn set(&mut self, alias: String, layer: DynLayer, is_local: bool) {
        self.0.retain(|known| known.alias != alias);
        let at = if alias == DEFAULT { 0 } else { self.0.len() };
        let layer = Layer {
            alias,
            layer,
            is_local,
        };
        self.0.insert(at, layer);
    }

    pub(crate) fn default(&self) -> &DynLayer {
        &self.0[0].layer
    }

    pub(crate) fn get(&self, alias: &str) -> Option<&Layer> {
        self.0.iter().find(|layer| layer.alias == alias)
    }

    /// What gives them to consumers, with `default` as the default one.
    pub(crate) fn middleware(&self, default: &DynLayer) -> WithLayer {
        let named = self.0[1..].iter();
        named.fold(WithLayer::new(default.clone()), |all, layer| {
            all.and(layer.alias.clone(), layer.layer.clone())
        })
    }

    /// Fails if the backend of a layer refuses this process. One that is away is waited for while the application runs.
    pub(crate) async fn check(&self) -> Result<(), Error> {
        for Layer { alias, layer, .. } in &self.0 {
            match layer.check().await {
                Ok(()) => {}
                Err(error @ LayerError::Away(_)) => tracing::warn!(
                    target: "solent",
                    alias,
                    error = %Chain(&error),
                    "channel layer is away, handshakes that need it are refused until it is there"
                ),
                Err(error) => return Err(Error::LayerRefused(error)),
            }
        }
        Ok(())
    }

    /// Closes all of them. Answers the first failure.
    pub(crate) async fn close(&self) -> Result<(), LayerError> {
        let mut result = Ok(());
        for layer in &self.0 {
            let closed = layer.layer.close().await;
            result = result.and(closed);
        }
        result
    }
}

#[cfg(feature = "memory")]
fn default_layer() -> Result<DynLayer, Error> {
    Ok(DynLayer::new(solent_layer_memory::MemoryLayer::default()))
}

#[cfg(not(feature = "memory"))]
fn default_layer() -> Result<DynLayer, Error> {
    Err(Error::NoLayer)
}
