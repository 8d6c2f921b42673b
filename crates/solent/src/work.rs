//! The channels of an application, and who works on them.

use std::{collections::HashMap, fmt};

use http::Extensions;
use solent_consumers::{ChannelConfig, Worker, WorkerConfig, WorkerError};
use solent_layer::{ChannelLayer, ChannelName, DynLayer};
use solent_spec::{Application, BoxApplication, Channel};

use crate::{
    error::Error,
    layers::{AllLayers, DEFAULT},
};

/// What a process does for its application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Role {
    /// It listens for connections, and on the named channels that no other process can reach.
    #[default]
    Serve,
    /// It listens for connections, and on all named channels.
    ServeAndWork,
    /// It listens on some named channels and nowhere else.
    Work(Vec<String>),
}

impl Role {
    pub(crate) fn serves(&self) -> bool {
        !matches!(self, Self::Work(_))
    }

    fn works_on(&self, route: &Route) -> bool {
        match self {
            Self::Serve => route.is_local,
            Self::ServeAndWork => true,
            Self::Work(channels) => channels.contains(&route.name),
        }
    }
}

/// The application for each named channel.
#[derive(Default)]
pub(crate) struct Channels {
    routes: Vec<Route>,
    config: WorkerConfig,
}

struct Route {
    /// As it was given; checked when the application starts.
    name: String,
    config: ChannelConfig,
    application: BoxApplication<Channel>,
    /// Its layer is within this process. Known once the layers are.
    is_local: bool,
}

impl Channels {
    pub(crate) fn add(
        &mut self,
        name: &str,
        config: ChannelConfig,
        application: impl Application<Channel>,
    ) {
        self.routes.push(Route {
            name: name.to_owned(),
            config,
            application: BoxApplication::new(application),
            is_local: false,
        });
    }

    /// Those that a process works on.
    pub(crate) fn worked_on(&self, role: &Role) -> Vec<String> {
        let routes = self.routes.iter().filter(|route| role.works_on(route));
        routes.map(|route| route.name.clone()).collect()
    }

    pub(crate) fn set_config(&mut self, config: WorkerConfig) {
        self.config = config;
    }

    /// Refuses names that have two applications, or none.
    pub(crate) fn check(&self, role: &Role) -> Result<(), Error> {
        for (index, Route { name, .. }) in self.routes.iter().enumerate() {
            if self.routes[..index].iter().any(|other| other.name == *name) {
                return Err(WorkerError::Twice(name.clone()).into());
            }
            name.parse::<ChannelName>()?;
        }
        let Role::Work(names) = role else {
            return Ok(());
        };
        let is_known = |name: &&String| self.routes.iter().any(|route| route.name == **name);
        match names.iter().find(|name| !is_known(name)) {
            None => Ok(()),
            Some(unknown) => Err(Error::UnknownChannel {
                name: unknown.clone(),
                known: self.routes.iter().map(|route| route.name.clone()).collect(),
            }),
        }
    }

    /// Finds the layer of each channel that is not on the default one. Refuses layers that there are not, that have no queues,
    /// or through which a worker would get no message.
    pub(crate) fn on(
        &mut self,
        layers: &AllLayers,
        role: &Role,
    ) -> Result<HashMap<ChannelName, DynLayer>, Error> {
        let mut elsewhere = HashMap::new();
        for route in &mut self.routes {
            let Route { name, config, .. } = &*route;
            let alias = config.layer.as_deref().unwrap_or(DEFAULT);
            let Some(found) = layers.get(alias) else {
                return Err(Error::UnknownLayer {
                    channel: name.clone(),
                    alias: alias.to_owned(),
                });
            };
            if !found.layer.has_queues() {
                return Err(Error::NoQueues {
                    channel: name.clone(),
                    alias: alias.to_owned(),
                });
            }
            if found.is_local && !role.serves() && role.works_on(route) {
                return Err(Error::AloneAtWork);
            }
            if alias != DEFAULT {
                elsewhere.insert(name.parse()?, found.layer.clone());
            }
            route.is_local = found.is_local;
        }
        Ok(elsewhere)
    }

    /// The worker for a role, if it needs one.
    pub(crate) fn worker(
        self,
        role: &Role,
        layer: &DynLayer,
        state: &mut Extensions,
    ) -> Result<Option<Worker>, Error> {
        let routes = self.routes.into_iter();
        let routes: Vec<_> = routes.filter(|route| role.works_on(route)).collect();
        if routes.is_empty() && *role == Role::Serve {
            return Ok(None);
        }
        let mut worker = Worker::new(layer.clone()).config(self.config);
        for route in routes {
            let name: ChannelName = route.name.parse()?;
            let Ok(more) = worker.channel_with(name, route.config, route.application);
            worker = more;
        }
        // Also for those who serve: a page may show how the work goes.
        state.insert(worker.counts());
        let worker = worker.state(state.clone());
        worker.check()?;
        Ok(Some(worker))
    }
}

impl fmt::Debug for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.routes.iter().map(|route| &route.name);
        f.debug_set().entries(names).finish()
    }
}
