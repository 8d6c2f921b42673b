//! Logs clients in by their tokens: the middleware.

use std::{fmt, sync::Arc, time::SystemTime};

use http::Response;
use solent_edge::{CrossSite, Origins};
use solent_session::Identity;
use solent_spec::{
    Body, BoxApplication, BoxFuture, Chain, Connection, HttpProtocol, Middleware, RequestScope,
    Result, websocket::CloseCode,
};

use super::{
    Credential, FirstMessage, TokenConfig, TokenSource, TokenVerifier, Verified,
    credential::verify,
    first_message::{AcceptedTransport, Heard, hear},
    message,
    refusal::Refusal,
    source::{Found, Via},
    subprotocol::ChosenSubprotocol,
    transport::TokenTransport,
    watch::TokenWatch,
};
use crate::{
    Auth,
    guard::guard,
    stack::{Entered, Entering},
    user::{LoginWatch, Watching},
};

/// Knows users by the tokens that their requests bring.
///
/// Applications inside find the same in their scope as inside an [`AuthStack`](crate::AuthStack): [`Auth`] of the verifier's users,
/// and [`Identity`](solent_session::Identity); and besides the [`Credential`], while there is one. A request without a good token is anonymous,
/// unless tokens are [required](TokenConfig::required) or a middleware outside has logged it in. A token that is not good is logged.
///
/// Sockets that know users by a session as well are inside both: an `AuthStack` round the `Tokens`, so that a token, where there is one,
/// says who it is.
///
/// # What ends a connection
///
/// A connection ends with its token, as far as it is open then: a WebSocket is closed with code 4401, and a response that is
/// being streamed ends. The client of a WebSocket is warned a minute before, and may send a newer token, which
/// prolongs the connection; see [`TokenConfig`] for the messages. Besides, the verifier is asked from time to time whether the user may
/// [stay](TokenVerifier::holds), and every open connection of a user can be closed by [`close_user`](crate::close_user).
///
/// # Examples
///
/// ```
/// use solent_auth::{TokenConfig, TokenSource, Tokens};
/// # use solent_auth::{AuthUser, BackendError, TokenVerifier, Verified};
/// # struct Device(String);
/// # impl AuthUser for Device { fn id(&self) -> std::borrow::Cow<'_, str> { (&*self.0).into() } }
/// # struct DeviceTokens;
/// # impl TokenVerifier for DeviceTokens {
/// #     type User = Device;
/// #     async fn verify(&self, _: &str) -> Result<Option<Verified<Device>>, BackendError> { Ok(None) }
/// # }
/// # async fn telemetry(_: solent_spec::Connection<solent_spec::WebSocket>) -> solent_spec::Result { Ok(()) }
/// use solent_spec::{BoxApplication, Middleware, WebSocket};
///
/// let tokens = Tokens::new(DeviceTokens)
///     .from([TokenSource::Bearer, TokenSource::subprotocol("bearer.")])
///     .config(TokenConfig::default().required(true));
/// let application = tokens.wrap(BoxApplication::<WebSocket>::new(telemetry));
/// # let _ = application;
/// ```
#[must_use]
pub struct Tokens<V>(Arc<Shared<V>>);

struct Shared<V> {
    verifier: Arc<V>,
    sources: Vec<TokenSource>,
    config: Arc<TokenConfig>,
    /// What of the settings is about users.
    watching: Arc<Watching>,
    origins: Origins,
    cross_site: CrossSite,
}

impl<V: TokenVerifier> Tokens<V> {
    /// Takes tokens from the `Authorization` header, and has `verifier` tell whose they are.
    pub fn new(verifier: V) -> Self {
        Self(Arc::new(Shared {
            verifier: Arc::new(verifier),
            sources: vec![TokenSource::Bearer],
            watching: watching(&TokenConfig::default()),
            config: Arc::default(),
            origins: Origins::same_host(),
            cross_site: CrossSite::new(),
        }))
    }

    /// Sets where tokens come from. The first source that has one counts, good or not.
    pub fn from(self, sources: impl IntoIterator<Item = TokenSource>) -> Self {
        let sources = sources.into_iter().collect();
        self.change(|shared| shared.sources = sources)
    }

    /// Sets the settings.
    pub fn config(self, config: TokenConfig) -> Self {
        self.change(|shared| {
            shared.watching = watching(&config);
            shared.config = Arc::new(config);
        })
    }

    /// Sets which pages may open WebSockets with a token in a [cookie](TokenSource::Cookie). Default: those of the same host.
    pub fn origins(self, origins: Origins) -> Self {
        self.change(|shared| shared.origins = origins)
    }

    /// Sets which requests that change something may have their token in a [cookie](TokenSource::Cookie). Default: those of the same
    /// origin.
    pub fn cross_site(self, cross_site: CrossSite) -> Self {
        self.change(|shared| shared.cross_site = cross_site)
    }

    fn change(mut self, change: impl FnOnce(&mut Shared<V>)) -> Self {
        let shared = &mut self.0;
        if Arc::get_mut(shared).is_none() {
            // A clone, or what it wraps, keeps what it has.
            *shared = Arc::new(Shared {
                verifier: Arc::clone(&shared.verifier),
                sources: shared.sources.clone(),
                config: Arc::clone(&shared.config),
                watching: Arc::clone(&shared.watching),
                origins: shared.origins.clone(),
                cross_site: shared.cross_site.clone(),
            });
        }
        change(Arc::get_mut(shared).expect("this is the only handle"));
        self
    }
}

impl<V: TokenVerifier> Middleware for Tokens<V> {
    fn wrap<P: HttpProtocol>(&self, inner: BoxApplication<P>) -> BoxApplication<P> {
        let shared = Arc::clone(&self.0);
        let entrance = Entrance { shared, inner };
        BoxApplication::from_fn(move |connection| entrance.enter(connection))
    }
}

impl<V> Clone for Tokens<V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<V> fmt::Debug for Tokens<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("sources", &self.0.sources)
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}

/// An application that is entered with a token.
struct Entrance<P: HttpProtocol, V> {
    shared: Arc<Shared<V>>,
    inner: BoxApplication<P>,
}

impl<P: HttpProtocol, V: TokenVerifier> Entrance<P, V> {
    fn enter(&self, mut connection: Connection<P>) -> BoxFuture<Result> {
        let shared = Arc::clone(&self.shared);
        let inner = self.inner.clone();
        if let Some(found) = shared.find(connection.scope()) {
            let preparing = Box::pin(async move { shared.admit(connection, found).await });
            return Box::pin(Entering::Preparing { preparing, inner });
        }
        if P::IS_WEBSOCKET && shared.first_message().is_some() {
            let preparing = Box::pin(async move { shared.listen(connection).await });
            return Box::pin(Entering::Preparing { preparing, inner });
        }
        if shared.config.required {
            return Box::pin(Refusal::Missing.send(connection));
        }
        shared.leave_nobody(&mut connection);
        inner.call(connection)
    }
}

impl<V: TokenVerifier> Shared<V> {
    fn find<S: RequestScope>(&self, scope: &S) -> Option<Found> {
        self.sources.iter().find_map(|source| source.find(scope))
    }

    fn first_message(&self) -> Option<&FirstMessage> {
        self.sources.iter().find_map(|source| match source {
            TokenSource::FirstMessage(settings) => Some(settings),
            _ => None,
        })
    }

    /// Lets a connection in that came with a token, or answers it.
    async fn admit<P: HttpProtocol>(
        &self,
        mut connection: Connection<P>,
        found: Found,
    ) -> Result<Option<Entered<P>>> {
        if found.via == Via::Cookie
            && let Some(refusal) = self.page_refusal(&connection)
        {
            connection.refuse(refusal).await?;
            return Ok(None);
        }
        let judged = self.judge(&found).await;
        if let Err(Refusal::Bad(reason)) = judged {
            tell(connection.scope(), &found.via, reason);
        }
        let (connection, guard) = match judged {
            Ok(verified) => self.let_in(connection, verified, &found.via),
            Err(Refusal::Bad(_)) if !self.config.required => {
                self.leave_nobody(&mut connection);
                (connection, None)
            }
            Err(refusal) => {
                refusal.send(connection).await?;
                return Ok(None);
            }
        };
        let connection = match found.via {
            Via::Subprotocol(chosen) => match P::into_websocket(connection) {
                Ok(socket) => P::from_websocket(
                    socket.map_transport(|inner| ChosenSubprotocol::new(inner, chosen)),
                ),
                Err(connection) => Some(connection),
            },
            _ => Some(connection),
        };
        Ok(connection.map(|connection| (connection, guard)))
    }

    /// Lets a WebSocket in once its client has sent a token, or closes it.
    async fn listen<P: HttpProtocol>(
        &self,
        connection: Connection<P>,
    ) -> Result<Option<Entered<P>>> {
        let settings = self.first_message().cloned().unwrap_or_default();
        let mut socket = match P::into_websocket(connection) {
            Ok(socket) => socket,
            Err(other) => return Ok(Some((other, None))),
        };
        let judged = match hear(&mut socket, &settings, self.config.max_len).await? {
            Heard::Gone => return Ok(None),
            Heard::Nothing(reason) => Err(Refusal::Bad(reason)),
            Heard::Token(secret) => {
                self.judge(&Found {
                    token: Ok(secret),
                    via: Via::Message,
                })
                .await
            }
        };
        let verified = match judged {
            Ok(verified) => verified,
            Err(refusal) => {
                let close = match refusal {
                    Refusal::Unavailable => CloseCode::TRY_AGAIN_LATER.into(),
                    Refusal::Missing => self.config.close.clone(),
                    Refusal::Bad(reason) => {
                        tell(socket.scope(), &Via::Message, reason);
                        self.config.close.clone()
                    }
                };
                socket.send(close.into()).await?;
                return Ok(None);
            }
        };
        let left = verified
            .until
            .map(|until| until.duration_since(SystemTime::now()).unwrap_or_default());
        socket.send(message::accepted(left).into()).await?;
        let (scope, transport) = socket.into_parts();
        let transport = AcceptedTransport::new(transport, &scope, &settings);
        let entered = P::from_websocket(Connection::new(scope, transport));
        Ok(entered.map(|socket| self.let_in(socket, verified, &Via::Message)))
    }

    /// Whose token it is.
    async fn judge(&self, found: &Found) -> Result<Verified<V::User>, Refusal> {
        let Ok(token) = &found.token else {
            return Err(Refusal::Bad("it is not clearly one token"));
        };
        match verify(&*self.verifier, token, &self.config).await {
            Ok(Some(verified)) => Ok(verified),
            Ok(None) => Err(Refusal::Bad("it is not good")),
            Err(error) => {
                solent_spec::warn_throttled!(target: "solent::auth",
                    error = %Chain(&error),
                    "tokens cannot be verified",
                );
                Err(Refusal::Unavailable)
            }
        }
    }

    /// Leaves the user in the scope, and sees to it that the connection ends with the token.
    fn let_in<P: HttpProtocol>(
        &self,
        mut connection: Connection<P>,
        verified: Verified<V::User>,
        via: &Via,
    ) -> Entered<P> {
        let (verifier, config) = (Arc::clone(&self.verifier), Arc::clone(&self.config));
        let (credential, auth) = Credential::new(verifier, Arc::clone(&config), verified);
        let link = connection.scope_mut().link_mut();
        link.insert(auth.identity().clone());
        link.insert(auth);
        link.insert(credential.clone());
        let private = matches!(via, Via::Query | Via::Cookie);
        if private || P::IS_WEBSOCKET {
            let (credential, config) = (credential.clone(), Arc::clone(&config));
            connection = connection
                .map_transport(|inner| TokenTransport::new(inner, credential, config, private));
        }
        let (login, watching) = (credential.as_login(), Arc::clone(&self.watching));
        let login = LoginWatch::over(&connection, login, watching, self.config.reachable);
        let grace = config.grace;
        let watch = TokenWatch::new(credential, config, login);
        let (connection, guard) = guard(connection, watch, grace);
        (connection, Some(guard))
    }

    /// Leaves the client anonymous, unless a middleware outside has set a user.
    fn leave_nobody<P: HttpProtocol>(&self, connection: &mut Connection<P>) {
        let link = connection.scope_mut().link_mut();
        if link.get::<Auth<V::User>>().is_none() {
            let auth = Auth::<V::User>::from_token(None);
            // A middleware outside may know a user of another type.
            if link.get::<Identity>().is_none() {
                link.insert(auth.identity().clone());
            }
            link.insert(auth);
        }
    }

    /// The answer to a request with cookies of a page that may not send them.
    fn page_refusal<P: HttpProtocol>(&self, connection: &Connection<P>) -> Option<Response<Body>> {
        if P::IS_WEBSOCKET {
            self.origins.refusal(connection.scope())
        } else {
            self.cross_site.refusal(connection.scope())
        }
    }
}

fn watching(config: &TokenConfig) -> Arc<Watching> {
    Arc::new(Watching {
        interval: config.interval,
        close: config.close.clone(),
        grace: config.grace,
    })
}

/// Tells the log of a token that was refused. It never learns the token, nor the query, which may contain it.
fn tell<S: RequestScope>(scope: &S, via: &Via, reason: &str) {
    tracing::info!(
        target: "solent::auth",
        client = ?scope.link().client(), path = scope.path(), %via, reason,
        "refused a token",
    );
}
