//! Sockets beside a Django project: whoever is logged in there is known by name here.
//!
//! ```sh
//! SECRET_KEY=… DATABASE_URL=sqlite:///db.sqlite3 cargo run --example django --features django,sqlite -- \
//!     --bind 127.0.0.1:8001 --layer redis://localhost:6379/0
//! ```
//!
//! The project keeps its sessions in the database, as one does that `django-admin startproject` made. Where its pages have
//! another host or port than the sockets, `ORIGIN` names it: `http://localhost:8000`.

use std::env;

use solent::{
    Args, AuthScope, Frame, Group, NoEvents, Refusal, Result, Solent, StatusCode,
    WebSocketConsumer, WebSocketContext,
    django::{Database, Django, DjangoUser, signing::SecretKeys},
};

/// A page of somebody who is logged in. Django reaches it with
/// `group_send(f"pages_{user.pk}", {"type": "websocket.send", "text": "…"})`.
struct Page {
    user: std::sync::Arc<DjangoUser>,
}

impl WebSocketConsumer for Page {
    type Event = NoEvents;
    type Input = Frame;

    async fn connect(&mut self, cx: &mut WebSocketContext) -> Result {
        use solent::auth::AuthUser;

        let pages: Group<NoEvents> = Group::new(format!("pages_{}", self.user.id()))?;
        cx.join(&pages).await?;
        cx.accept().await?;
        cx.send(format!("Hello, {}.", self.user.username())).await
    }
}

fn main() -> Result {
    tracing_subscriber::fmt().init();
    let keys = SecretKeys::new(env::var("SECRET_KEY")?)?;
    let database = Database::open(&env::var("DATABASE_URL")?)?;
    let mut auth = Django::new(keys, database).stack();
    if let Ok(origin) = env::var("ORIGIN") {
        auth = auth.trust(origin)?;
    }

    let page = Page::application_with(|scope| {
        let user = scope.user().ok_or(Refusal::new(StatusCode::UNAUTHORIZED))?;
        Ok(Page { user })
    });
    let app = Solent::new().websocket("ws/", page).middleware(&auth);
    Ok(app.args(Args::from_env()).run()?)
}
