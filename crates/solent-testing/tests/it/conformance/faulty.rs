//! A small layer with selectable defects. Without one it is sound; several of them on one namespace play processes.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, OnceLock, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use solent_layer::{
    Capacities, ChannelLayer, ChannelName, DropCause, DropCounts, FullPolicy, GroupName,
    GroupReport, Inbox, InboxSettings, LayerError, Mailbox, MailboxOwner, Message, Pushed,
    SendError,
};
use solent_testing::conformance::{Profile, Wanted};
use tokio::time::Instant;

use super::defect::Defect;

const MAX_MESSAGE: usize = 1 << 20;

/// What the layer is like.
pub(super) fn profile() -> Profile {
    Profile::default()
        .spans_processes(true)
        .max_message(MAX_MESSAGE)
}

/// A process's layer on the backend of its namespace.
pub(super) async fn connect(wanted: Wanted, defect: Defect) -> Faulty {
    static BACKENDS: OnceLock<Mutex<HashMap<String, Weak<Backend>>>> = OnceLock::new();
    let mut backends = BACKENDS.get_or_init(Mutex::default).lock().unwrap();
    let known = backends.get(&wanted.namespace).and_then(Weak::upgrade);
    let backend = match known.filter(|_| defect != Defect::IsAlone) {
        Some(backend) => backend,
        None => {
            let backend = Arc::new(Backend::new(&wanted, defect));
            backends.insert(wanted.namespace, Arc::downgrade(&backend));
            backend
        }
    };
    Faulty(backend)
}

pub(super) struct Faulty(Arc<Backend>);

struct Backend {
    defect: Defect,
    capacities: Capacities,
    group_expiry: Duration,
    settings: Arc<InboxSettings>,
    closed: AtomicBool,
    /// How many messages have been sent, and channels opened.
    count: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    channels: HashMap<ChannelName, Vec<Arc<Inbox>>>,
    groups: BTreeMap<GroupName, Vec<(ChannelName, Instant)>>,
    /// A message that is held back, to come after the next one.
    held: Option<Message>,
    /// How many messages each channel has ever got.
    total: HashMap<ChannelName, usize>,
}

impl Backend {
    fn new(wanted: &Wanted, defect: Defect) -> Self {
        let expiry = match defect {
            Defect::NeverExpires => Duration::MAX,
            Defect::ExpiresEarly => wanted.expiry / 3,
            _ => wanted.expiry,
        };
        let policy = match defect {
            Defect::IgnoresPolicy => FullPolicy::RefuseNewest,
            _ => wanted.policy,
        };
        let capacities = match defect {
            Defect::IgnoresPatterns => Capacities::new(7),
            Defect::NeverFull => Capacities::new(usize::MAX),
            _ => wanted.capacities.clone(),
        };
        Self {
            defect,
            capacities,
            group_expiry: match defect {
                Defect::MembershipNeverExpires => Duration::MAX,
                _ => wanted.group_expiry,
            },
            settings: Arc::new(InboxSettings::new(expiry, policy, Arc::default())),
            closed: AtomicBool::new(false),
            count: AtomicU64::new(0),
            state: Mutex::default(),
        }
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn check_open(&self) -> Result<(), LayerError> {
        if self.closed.load(SeqCst) && !self.is(Defect::WorksWhenClosed) {
            return Err(LayerError::Closed);
        }
        Ok(())
    }

    fn check_size(&self, message: Message) -> Result<Message, SendError> {
        let size = message.encoded().len();
        let limit = match self.defect {
            Defect::LimitsLittle => 10_000,
            Defect::HasNoLimit => usize::MAX,
            _ => MAX_MESSAGE,
        };
        if size > limit {
            return Err(SendError::TooLarge {
                message,
                size,
                limit,
            });
        }
        Ok(message)
    }

    fn inbox(&self, state: &mut State, name: &ChannelName) -> Option<Arc<Inbox>> {
        if let Some(inboxes) = state
            .channels
            .get(name)
            .filter(|inboxes| !inboxes.is_empty())
        {
            let turn = self.count.load(SeqCst) as usize % inboxes.len();
            return Some(Arc::clone(&inboxes[turn]));
        }
        if name.is_process_specific() || self.is(Defect::NeedsAListener) {
            return None;
        }
        let mut capacity = self.capacities.of(name);
        if self.is(Defect::NamesAreUnbounded) {
            capacity = usize::MAX;
        }
        let inbox = Inbox::shared(capacity, Arc::clone(&self.settings));
        state
            .channels
            .insert(name.clone(), vec![Arc::clone(&inbox)]);
        Some(inbox)
    }

    /// Pushes a message to a channel, in the way that the defect has it.
    fn push(&self, state: &mut State, name: &ChannelName, message: &Message) -> Pushed {
        let number = self.count.fetch_add(1, SeqCst);
        let now = Instant::now();
        let Some(inbox) = self.inbox(state, name) else {
            self.settings.drops.add(DropCause::Closed);
            return Pushed::Dropped(DropCause::Closed);
        };
        let total = state.total.entry(name.clone()).or_default();
        match self.defect {
            Defect::Loses if number % 3 == 2 => return Pushed::Delivered,
            Defect::LosesWhatIsWaitedFor if inbox.has_waiting_reader() => return Pushed::Delivered,
            Defect::ExpiredTakeRoom if inbox.len() >= self.capacities.of(name) => {
                return Pushed::Dropped(DropCause::Full);
            }
            Defect::NeverMakesRoom if *total >= self.capacities.of(name) => {
                return Pushed::Dropped(DropCause::Full);
            }
            Defect::FullIsSilent if inbox.len() >= self.capacities.of(name) => {
                return Pushed::Delivered;
            }
            Defect::Mangles => return inbox.push(&mangled(message), now),
            Defect::Reorders if state.held.is_none() && number % 5 == 1 => {
                state.held = Some(message.clone());
                return Pushed::Delivered;
            }
            _ => {}
        }
        *total += 1;
        if self.is(Defect::CopiesToListeners)
            && let Some(all) = state.channels.get(name)
        {
            for copy in all.iter().filter(|other| !Arc::ptr_eq(other, &inbox)) {
                let _ = copy.push(message, now);
            }
        }
        if self.is(Defect::Misroutes) {
            for other in state.channels.values().flatten() {
                let _ = other.push(message, now);
            }
            return Pushed::Delivered;
        }
        let pushed = inbox.push(message, now);
        if let Some(held) = state.held.take() {
            let _ = inbox.push(&held, now);
        }
        if self.is(Defect::Duplicates) && number % 7 == 3 {
            let _ = inbox.push(message, now);
        }
        pushed
    }

    fn members(&self, state: &mut State, group: &GroupName) -> Vec<ChannelName> {
        let now = Instant::now();
        let expiry = self.group_expiry;
        let group = match self.defect {
            Defect::MixesGroups => state.groups.keys().next().cloned(),
            _ => Some(group.clone()),
        };
        let Some(members) = group.and_then(|group| state.groups.get_mut(&group)) else {
            return Vec::new();
        };
        let lasts = |name: &ChannelName| {
            name.is_process_specific() && !self.is(Defect::OpenMailboxesExpire)
        };
        members.retain(|(name, since)| lasts(name) || now.duration_since(*since) < expiry);
        members.iter().map(|(name, _)| name.clone()).collect()
    }
}

impl ChannelLayer for Faulty {
    async fn open(&self, prefix: &str) -> Result<Mailbox, LayerError> {
        let backend = &self.0;
        backend.check_open()?;
        let cleaned: String = prefix
            .chars()
            .filter(|c| c.is_ascii_alphanumeric())
            .take(40)
            .collect();
        let prefix = match backend.defect {
            Defect::IgnoresPrefix => "x",
            Defect::TakesAnyPrefix if prefix.parse::<GroupName>().is_err() => &cleaned,
            _ => prefix,
        };
        let number = match backend.defect {
            Defect::RepeatsNames => 1,
            _ => backend.count.fetch_add(1, SeqCst),
        };
        let process = format!("p{:x}", Arc::as_ptr(backend) as usize);
        let name = match backend.defect {
            Defect::HasNoProcess => format!("{prefix}{process}{number}").parse()?,
            _ => ChannelName::process_specific(prefix, &process, &number.to_string())?,
        };
        let capacity = backend.capacities.of(&name);
        let inbox = Inbox::new(capacity, Arc::clone(&backend.settings));
        let mut state = backend.state.lock().unwrap();
        state
            .channels
            .insert(name.clone(), vec![Arc::clone(&inbox)]);
        Ok(Mailbox::new(name, inbox, Arc::clone(backend) as _))
    }

    async fn listen(&self, channel: &ChannelName) -> Result<Mailbox, LayerError> {
        let backend = &self.0;
        backend.check_open()?;
        if channel.is_process_specific() && !backend.is(Defect::ListensAnywhere) {
            return Err(LayerError::Unavailable("it belongs to one process"));
        }
        let mut state = backend.state.lock().unwrap();
        let own = matches!(
            backend.defect,
            Defect::CopiesToListeners | Defect::TakesTurns
        );
        let inbox = match backend.inbox(&mut state, channel) {
            Some(inbox) if !own => inbox,
            _ => {
                let inbox = Inbox::new(100, Arc::clone(&backend.settings));
                let inboxes = state.channels.entry(channel.clone()).or_default();
                inboxes.retain(|inbox| inbox.readers() > 0);
                inboxes.push(Arc::clone(&inbox));
                inbox
            }
        };
        drop(state);
        Ok(Mailbox::new(
            channel.clone(),
            inbox,
            Arc::clone(backend) as _,
        ))
    }

    async fn send(&self, channel: &ChannelName, message: Message) -> Result<(), SendError> {
        let backend = &self.0;
        backend.check_open()?;
        let message = backend.check_size(message)?;
        let pushed = backend.push(&mut backend.state.lock().unwrap(), channel, &message);
        match pushed {
            Pushed::Dropped(DropCause::Full) if backend.is(Defect::HandsBackAnother) => {
                Err(SendError::Full(Message::ready("another")))
            }
            Pushed::Dropped(DropCause::Full) => Err(SendError::Full(message)),
            Pushed::Dropped(DropCause::Closed) if backend.is(Defect::MindsTheGone) => {
                Err(SendError::Full(message))
            }
            _ => Ok(()),
        }
    }

    async fn group_add(&self, group: &GroupName, channel: &ChannelName) -> Result<(), LayerError> {
        let backend = &self.0;
        backend.check_open()?;
        let mut state = backend.state.lock().unwrap();
        if backend.is(Defect::KnowsOneGroup) {
            for members in state.groups.values_mut() {
                members.retain(|(name, _)| name != channel);
            }
        }
        if backend.is(Defect::WantsAMailbox) && !channel.is_process_specific() {
            return Err(LayerError::Unavailable("it has no mailbox"));
        }
        let members = state.groups.entry(group.clone()).or_default();
        let known = members.iter_mut().find(|(name, _)| name == channel);
        match known {
            Some(_) if backend.is(Defect::NeverRenews) => {}
            Some((_, since)) if !backend.is(Defect::AddsTwice) => *since = Instant::now(),
            _ => members.push((channel.clone(), Instant::now())),
        }
        Ok(())
    }

    async fn group_discard(
        &self,
        group: &GroupName,
        channel: &ChannelName,
    ) -> Result<(), LayerError> {
        let backend = &self.0;
        backend.check_open()?;
        let mut state = backend.state.lock().unwrap();
        let members = state.groups.entry(group.clone()).or_default();
        let known = members.iter().position(|(name, _)| name == channel);
        match known {
            _ if backend.is(Defect::ForgetsToDiscard) => {}
            Some(idx) => drop(members.remove(idx)),
            None if backend.is(Defect::MindsStrangers) => {
                return Err(LayerError::Unavailable("it is no member"));
            }
            None => {}
        }
        Ok(())
    }

    async fn group_send(
        &self,
        group: &GroupName,
        message: Message,
    ) -> Result<GroupReport, SendError> {
        let backend = &self.0;
        backend.check_open()?;
        let message = backend.check_size(message)?;
        let mut state = backend.state.lock().unwrap();
        let mut members = backend.members(&mut state, group);
        if members.is_empty() && backend.is(Defect::MindsEmptyGroups) {
            return Err(LayerError::Unavailable("it has no members").into());
        }
        if backend.is(Defect::SkipsTheFirst) && members.len() > 1 {
            members.remove(0);
        }
        let mut report = GroupReport::default();
        for name in members {
            let pushed = backend.push(&mut state, &name, &message);
            report.count(pushed);
            if pushed == Pushed::Dropped(DropCause::Full) {
                match backend.defect {
                    Defect::FailsWithAMember => return Err(SendError::Full(message)),
                    Defect::StopsAtAFullMember => break,
                    _ => {}
                }
            }
        }
        if backend.is(Defect::ReportsNothing) {
            report.dropped = 0;
        }
        Ok(report)
    }

    async fn flush(&self) -> Result<(), LayerError> {
        let backend = &self.0;
        backend.check_open()?;
        let mut state = backend.state.lock().unwrap();
        if !backend.is(Defect::FlushKeepsGroups) {
            state.groups.clear();
        }
        for inbox in state.channels.values().flatten() {
            if !backend.is(Defect::FlushKeepsMessages) {
                inbox.clear();
            }
            if backend.is(Defect::FlushCloses) {
                inbox.close();
            }
        }
        Ok(())
    }

    async fn close(&self) -> Result<(), LayerError> {
        let backend = &self.0;
        backend.closed.store(true, SeqCst);
        if !backend.is(Defect::LeavesMailboxesOpen) {
            for inbox in backend.state.lock().unwrap().channels.values().flatten() {
                inbox.close();
            }
        }
        Ok(())
    }

    fn drops(&self) -> Option<Arc<DropCounts>> {
        Some(match self.0.defect {
            Defect::CountsNothing => Arc::default(),
            _ => Arc::clone(&self.0.settings.drops),
        })
    }
}

impl MailboxOwner for Backend {
    fn closed(&self, name: &ChannelName, inbox: &Arc<Inbox>) {
        let mut state = self.state.lock().unwrap();
        if self.is(Defect::RemembersTheGone) {
            return;
        }
        if !inbox.is_closed() {
            // Others listen, or messages wait.
            return;
        }
        if let Some(inboxes) = state.channels.get_mut(name) {
            inboxes.retain(|known| !Arc::ptr_eq(known, inbox));
            if inboxes.is_empty() {
                state.channels.remove(name);
            }
        }
        for members in state.groups.values_mut() {
            members.retain(|(member, _)| member != name);
        }
    }
}

/// A message with one field less and a number changed.
fn mangled(message: &Message) -> Message {
    let kind = message.kind().unwrap_or_default().to_owned();
    Message::encode(&BTreeMap::from([("type", kind)])).unwrap()
}
