//! A site with users, whose accesses to its stores are counted.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, SystemTime},
};

use serde_json::json;
use solent_auth::{AuthStack, AuthUser, BackendError, HashCheck, UserBackend};
use solent_session::{
    DynSessionStore, MemoryStore, Revision, Saved, SessionData, SessionKey, SessionStore,
    StoreError, Stored,
};

/// A store that counts, and that can be out of reach.
#[derive(Clone)]
pub(crate) struct Store(Arc<StoreState>);

struct StoreState {
    inner: DynSessionStore,
    reads: AtomicUsize,
    writes: AtomicUsize,
    down: AtomicBool,
    /// Whether nothing can be deleted.
    keeps: AtomicBool,
}

impl Store {
    fn new() -> Self {
        Self(Arc::new(StoreState {
            inner: DynSessionStore::new(MemoryStore::default()),
            reads: AtomicUsize::new(0),
            writes: AtomicUsize::new(0),
            down: AtomicBool::new(false),
            keeps: AtomicBool::new(false),
        }))
    }

    /// How often it was read and written.
    pub(crate) fn accesses(&self) -> (usize, usize) {
        (self.0.reads.load(SeqCst), self.0.writes.load(SeqCst))
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.0.down.store(down, SeqCst);
    }

    pub(crate) fn fail_deletes(&self, fail: bool) {
        self.0.keeps.store(fail, SeqCst);
    }

    /// What it keeps, without counting.
    pub(crate) async fn row(&self, key: &SessionKey) -> Option<SessionData> {
        self.0.inner.load(key).await.unwrap()
    }

    fn up(&self) -> Result<&DynSessionStore, StoreError> {
        if self.0.down.load(SeqCst) {
            return Err(StoreError::unavailable("store is down"));
        }
        Ok(&self.0.inner)
    }
}

impl SessionStore for Store {
    async fn load(&self, key: &SessionKey) -> Result<Option<SessionData>, StoreError> {
        self.0.reads.fetch_add(1, SeqCst);
        self.up()?.load(key).await
    }

    async fn create(
        &self,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<SessionKey, StoreError> {
        self.0.writes.fetch_add(1, SeqCst);
        self.up()?.create(data, expires).await
    }

    async fn save(
        &self,
        key: &SessionKey,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        self.0.writes.fetch_add(1, SeqCst);
        self.up()?.save(key, data, expires).await
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.0.writes.fetch_add(1, SeqCst);
        if self.0.keeps.load(SeqCst) {
            return Err(StoreError::unavailable("store deletes nothing"));
        }
        self.up()?.delete(key).await
    }

    async fn read(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        self.0.reads.fetch_add(1, SeqCst);
        self.up()?.read(key).await
    }

    async fn replace(
        &self,
        key: &SessionKey,
        former: &Revision,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        self.0.writes.fetch_add(1, SeqCst);
        self.up()?.replace(key, former, data, expires).await
    }
}

/// A user of the site.
#[derive(Clone)]
pub(crate) struct Person {
    id: String,
    password: String,
}

impl AuthUser for Person {
    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.id)
    }

    fn has_permission(&self, permission: &str) -> bool {
        self.id == "ann" && permission == "chat.moderate"
    }
}

/// The site's users. Ids that begin with `?` are malformed.
#[derive(Clone)]
pub(crate) struct People {
    name: &'static str,
    state: Arc<PeopleState>,
}

#[derive(Default)]
struct PeopleState {
    people: Mutex<HashMap<String, Person>>,
    finds: AtomicUsize,
    logins: AtomicUsize,
    down: AtomicBool,
}

impl People {
    pub(crate) fn new(name: &'static str) -> Self {
        let people = Self {
            name,
            state: Arc::default(),
        };
        for id in ["ann", "bob"] {
            people.set_password(id, "first");
        }
        people
    }

    pub(crate) fn set_password(&self, id: &str, password: &str) {
        let person = Person {
            id: id.to_owned(),
            password: password.to_owned(),
        };
        let mut people = self.state.people.lock().unwrap();
        people.insert(id.to_owned(), person);
    }

    pub(crate) fn remove(&self, id: &str) {
        self.state.people.lock().unwrap().remove(id);
    }

    pub(crate) fn get(&self, id: &str) -> Option<Person> {
        self.state.people.lock().unwrap().get(id).cloned()
    }

    /// How often somebody was looked up.
    pub(crate) fn finds(&self) -> usize {
        self.state.finds.load(SeqCst)
    }

    /// How many logins there were.
    pub(crate) fn logins(&self) -> usize {
        self.state.logins.load(SeqCst)
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.state.down.store(down, SeqCst);
    }
}

impl UserBackend for People {
    type User = Person;

    fn name(&self) -> &str {
        self.name
    }

    async fn find(&self, id: &str) -> Result<Option<Person>, BackendError> {
        self.state.finds.fetch_add(1, SeqCst);
        if self.state.down.load(SeqCst) {
            return Err(BackendError::new("database is down"));
        }
        Ok(self.get(id))
    }

    fn session_hash(&self, user: &Person) -> Option<String> {
        Some(format!("new-key:{}", user.password))
    }

    fn check_hash(&self, user: &Person, stored: Option<&str>) -> HashCheck {
        match stored.and_then(|stored| stored.split_once(':')) {
            Some(("new-key", password)) if password == user.password => HashCheck::Current,
            Some(("old-key", password)) if password == user.password => HashCheck::Former,
            _ => HashCheck::Wrong,
        }
    }

    async fn logged_in(&self, _: &Person) -> Result<(), BackendError> {
        self.state.logins.fetch_add(1, SeqCst);
        Ok(())
    }
}

/// Everything of the site but its applications.
pub(crate) struct Site {
    pub(crate) store: Store,
    pub(crate) people: People,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self {
            store: Store::new(),
            people: People::new("people"),
        }
    }

    pub(crate) fn stack(&self) -> AuthStack<Person> {
        AuthStack::new(self.store.clone(), self.people.clone())
    }

    /// A session with this content.
    pub(crate) async fn session(&self, data: serde_json::Value) -> SessionKey {
        let serde_json::Value::Object(data) = data else {
            panic!("a session is a map");
        };
        let expires = SystemTime::now() + Duration::from_secs(1_000_000);
        self.store.0.inner.create(&data, expires).await.unwrap()
    }

    /// A session that somebody is logged in with.
    pub(crate) async fn session_of(&self, id: &str) -> SessionKey {
        let person = self.people.get(id).unwrap();
        self.session(json!({
            "_auth_user_id": id,
            "_auth_user_backend": "people",
            "_auth_user_hash": self.people.session_hash(&person),
            "colour": "blue",
        }))
        .await
    }

    /// Ends a session, as a logout at another server does.
    pub(crate) async fn end(&self, key: &SessionKey) {
        self.store.0.inner.delete(key).await.unwrap();
    }
}
