//! A small layer with selectable defects. Without one it is sound; several of them on one namespace play processes.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use solent_layer::{
    Capacities, ChannelLayer, ChannelName, Claim, DropCause, DropCounts, FullPolicy, GroupName,
    GroupReport, Inbox, InboxSettings, LayerError, Mailbox, MailboxOwner, Message, Pushed,
    SendError,
};
use solent_testing::conformance::{Profile, Wanted};
use tokio::time::{Instant, sleep};

use super::defect::Defect;

const MAX_MESSAGE: usize = 1 << 20;

/// What the layer is like.
pub(super) fn profile() -> Profile {
    Profile::default()
        .spans_processes(true)
        .max_message(MAX_MESSAGE)
        .leases(true)
        .cut(|namespace| async move {
            let backend = backends().get(&namespace).and_then(Weak::upgrade);
            backend.into_iter().for_each(|backend| backend.cut());
        })
}

/// A process's layer on the backend of its namespace.
pub(super) async fn connect(wanted: Wanted, defect: Defect) -> Faulty {
    let mut backends = backends();
    let known = backends.get(&wanted.namespace).and_then(Weak::upgrade);
    let backend = match known.filter(|_| defect != Defect::IsAlone) {
        Some(backend) => backend,
        None => {
            let backend = Arc::new(Backend::new(&wanted, defect));
            backends.insert(wanted.namespace, Arc::downgrade(&backend));
            backend
        }
    };
    Faulty {
        process: backend.processes.fetch_add(1, SeqCst),
        closed: AtomicBool::new(false),
        backend,
    }
}

/// The backends that there are, by namespace.
fn backends() -> MutexGuard<'static, HashMap<String, Weak<Backend>>> {
    static BACKENDS: OnceLock<Mutex<HashMap<String, Weak<Backend>>>> = OnceLock::new();
    BACKENDS.get_or_init(Mutex::default).lock().unwrap()
}

/// One process's layer.
pub(super) struct Faulty {
    backend: Arc<Backend>,
    process: u64,
    closed: AtomicBool,
}

struct Backend {
    defect: Defect,
    capacities: Capacities,
    group_expiry: Duration,
    settings: Arc<InboxSettings>,
    /// How many layers it has had.
    processes: AtomicU64,
    /// How many messages have been sent, and channels opened.
    count: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    channels: HashMap<ChannelName, Vec<Place>>,
    groups: BTreeMap<GroupName, Vec<(ChannelName, Instant)>>,
    /// A message that is held back, to come after the next one.
    held: Option<Message>,
    /// How many messages each channel has ever got.
    total: HashMap<ChannelName, usize>,
    /// What each channel got last.
    last: HashMap<ChannelName, Message>,
    /// The channels that got it from a group.
    by_group: HashSet<ChannelName>,
    leases: HashMap<GroupName, (Claim, Instant)>,
}

/// Who hears that there was no room.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Sender,
    Reader,
}

/// An inbox, and the process that made it.
struct Place {
    process: u64,
    inbox: Arc<Inbox>,
}

impl State {
    fn add(&mut self, process: u64, name: &ChannelName, inbox: &Arc<Inbox>) {
        let inbox = Arc::clone(inbox);
        let places = self.channels.entry(name.clone()).or_default();
        places.push(Place { process, inbox });
    }
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
            processes: AtomicU64::new(0),
            count: AtomicU64::new(0),
            state: Mutex::default(),
        }
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
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

    fn inbox(&self, state: &mut State, process: u64, name: &ChannelName) -> Option<Arc<Inbox>> {
        if let Some(places) = state.channels.get(name).filter(|places| !places.is_empty()) {
            let turn = self.count.load(SeqCst) as usize % places.len();
            return Some(Arc::clone(&places[turn].inbox));
        }
        if name.is_process_specific() || self.is(Defect::NeedsAListener) {
            return None;
        }
        let mut capacity = self.capacities.of(name);
        if self.is(Defect::NamesAreUnbounded) {
            capacity = usize::MAX;
        }
        let inbox = Inbox::shared(capacity, Arc::clone(&self.settings));
        state.add(process, name, &inbox);
        Some(inbox)
    }

    /// Breaks the connections of all processes, which are there again at once.
    fn cut(&self) {
        let mut state = self.state.lock().unwrap();
        if self.is(Defect::ComesBackWithoutGroups) {
            state.groups.clear();
        }
        let mut told = 0;
        for (name, places) in &state.channels {
            for place in places {
                if self.is(Defect::RepeatsAfterACut)
                    && let Some(last) = state.last.get(name)
                {
                    let _ = place.inbox.push(last, Instant::now());
                }
                let is_told = match self.defect {
                    Defect::GapIsSilent => false,
                    Defect::GapIsToldToOne => told == 0,
                    _ => true,
                };
                if is_told {
                    place.inbox.push_gap();
                    told += 1;
                }
            }
        }
    }

    /// Pushes a message to a channel, in the way that the defect has it.
    fn push(
        &self,
        state: &mut State,
        process: u64,
        name: &ChannelName,
        message: &Message,
        told: Told,
    ) -> Pushed {
        let number = self.count.fetch_add(1, SeqCst);
        let now = Instant::now();
        state.last.insert(name.clone(), message.clone());
        let Some(inbox) = self.inbox(state, process, name) else {
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
            let others = all.iter().map(|place| &place.inbox);
            for copy in others.filter(|other| !Arc::ptr_eq(other, &inbox)) {
                let _ = copy.push(message, now);
            }
        }
        if self.is(Defect::Misroutes) {
            for other in state.channels.values().flatten() {
                let _ = other.inbox.push(message, now);
            }
            return Pushed::Delivered;
        }
        let tells_reader = match self.defect {
            Defect::OverflowIsSilent => false,
            Defect::RefusedIsLost => true,
            _ => told == Told::Reader,
        };
        let pushed = match tells_reader {
            true => inbox.push(message, now),
            false => inbox.offer(message, now),
        };
        if let Some(held) = state.held.take() {
            let _ = inbox.push(&held, now);
        }
        if self.is(Defect::Duplicates) && number % 7 == 3 {
            let _ = inbox.push(message, now);
        }
        pushed
    }

    fn has_unread(&self) -> bool {
        let state = self.state.lock().unwrap();
        let mut places = state.channels.values().flatten();
        places.any(|place| !place.inbox.is_empty())
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

impl Faulty {
    fn check_open(&self) -> Result<(), LayerError> {
        if self.closed.load(SeqCst) && !self.backend.is(Defect::WorksWhenClosed) {
            return Err(LayerError::Closed);
        }
        Ok(())
    }

    /// Ends the mailboxes of this process.
    fn end(&self) {
        let mut state = self.backend.state.lock().unwrap();
        for places in state.channels.values_mut() {
            places.retain(|place| {
                let ends = place.process == self.process || self.backend.is(Defect::ClosesForAll);
                if ends {
                    place.inbox.close();
                }
                !ends
            });
        }
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        if !self.backend.is(Defect::DropKeepsMailboxes) {
            self.end();
        }
    }
}

impl ChannelLayer for Faulty {
    async fn open(&self, prefix: &str) -> Result<Mailbox, LayerError> {
        let backend = &self.backend;
        self.check_open()?;
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
        let settings = Arc::clone(&backend.settings);
        let inbox = match backend.defect {
            Defect::HoldsNoBurst => Inbox::new(backend.capacities.of(&name), settings),
            _ => Inbox::new(backend.capacities.of_mailbox(&name), settings),
        };
        let mut state = backend.state.lock().unwrap();
        state.channels.remove(&name);
        state.add(self.process, &name, &inbox);
        Ok(Mailbox::new(name, inbox, Arc::clone(backend) as _))
    }

    async fn listen(&self, channel: &ChannelName) -> Result<Mailbox, LayerError> {
        let backend = &self.backend;
        self.check_open()?;
        if channel.is_process_specific() && !backend.is(Defect::ListensAnywhere) {
            return Err(LayerError::Unavailable("it belongs to one process"));
        }
        let mut state = backend.state.lock().unwrap();
        let settings = Arc::clone(&backend.settings);
        let places = state.channels.get(channel).into_iter().flatten();
        let own = match backend.defect {
            Defect::CopiesToListeners | Defect::TakesTurns => Some(Inbox::new(100, settings)),
            // Each process has an inbox, but for what waited before.
            Defect::DealsToProcesses if { places }.all(|place| place.process != self.process) => {
                Some(Inbox::shared(100, settings))
            }
            _ => None,
        };
        let inbox = match own {
            Some(inbox) => {
                state
                    .channels
                    .entry(channel.clone())
                    .or_default()
                    .retain(|place| place.inbox.readers() > 0);
                state.add(self.process, channel, &inbox);
                inbox
            }
            None => {
                let inbox = backend.inbox(&mut state, self.process, channel);
                inbox.unwrap_or_else(|| {
                    let inbox = Inbox::shared(100, Arc::clone(&backend.settings));
                    state.add(self.process, channel, &inbox);
                    inbox
                })
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
        let backend = &self.backend;
        self.check_open()?;
        let message = backend.check_size(message)?;
        let mut state = backend.state.lock().unwrap();
        let overtaken = match backend.defect {
            Defect::OvertakesGroups if state.by_group.remove(channel) => {
                let inbox = backend.inbox(&mut state, self.process, channel);
                inbox.map_or_else(Vec::new, |inbox| inbox.take_unread())
            }
            _ => Vec::new(),
        };
        let pushed = backend.push(&mut state, self.process, channel, &message, Told::Sender);
        for late in overtaken {
            let _ = backend.push(&mut state, self.process, channel, &late, Told::Sender);
        }
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
        let backend = &self.backend;
        self.check_open()?;
        let mut state = backend.state.lock().unwrap();
        if backend.is(Defect::KnowsOneGroup) {
            for members in state.groups.values_mut() {
                members.retain(|(name, _)| name != channel);
            }
        }
        if backend.is(Defect::WantsAMailbox) && !channel.is_process_specific() {
            return Err(LayerError::Unavailable("it has no mailbox"));
        }
        let mut places = state.channels.get(channel).into_iter().flatten();
        let is_here = places.any(|place| place.process == self.process);
        match backend.defect {
            Defect::AddsOwnNamesOnly if !channel.is_process_specific() && !is_here => return Ok(()),
            Defect::AddsOwnChannelsOnly if channel.is_process_specific() && !is_here => {
                return Ok(());
            }
            _ => {}
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
        let backend = &self.backend;
        self.check_open()?;
        let mut state = backend.state.lock().unwrap();
        let members = state.groups.entry(group.clone()).or_default();
        let known = members.iter().position(|(name, _)| name == channel);
        match known {
            _ if backend.is(Defect::ForgetsToDiscard) => {}
            _ if backend.is(Defect::NamesStay) && !channel.is_process_specific() => {}
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
        let backend = &self.backend;
        self.check_open()?;
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
            let pushed = backend.push(&mut state, self.process, &name, &message, Told::Reader);
            state.by_group.insert(name);
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
        let backend = &self.backend;
        self.check_open()?;
        let mut guard = backend.state.lock().unwrap();
        let state = &mut *guard;
        let is_local = backend.is(Defect::FlushesOneProcess);
        let is_elsewhere = |name: &ChannelName| {
            let mut places = state.channels.get(name).into_iter().flatten();
            places.any(|place| place.process != self.process)
        };
        if !backend.is(Defect::FlushKeepsGroups) {
            for members in state.groups.values_mut() {
                members.retain(|(name, _)| is_local && is_elsewhere(name));
            }
        }
        let places = state.channels.values().flatten();
        for Place { inbox, .. } in places.filter(|place| !is_local || place.process == self.process)
        {
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
        let backend = &self.backend;
        self.closed.store(true, SeqCst);
        while backend.is(Defect::CloseWaitsForReaders) && backend.has_unread() {
            sleep(Duration::from_millis(10)).await;
        }
        if !backend.is(Defect::LeavesMailboxesOpen) {
            self.end();
        }
        Ok(())
    }

    fn has_queues(&self) -> bool {
        self.backend.defect != Defect::DeniesQueues
    }

    async fn hold(&self, claim: &Claim, lifetime: Duration) -> Result<bool, LayerError> {
        self.check_open()?;
        let (backend, now) = (&self.backend, Instant::now());
        let mut state = backend.state.lock().unwrap();
        let is_held = state
            .leases
            .get(claim.name())
            .is_some_and(|(holder, until)| {
                holder != claim && (*until > now || backend.is(Defect::LeasesNeverExpire))
            });
        if is_held && !backend.is(Defect::LeasesToAll) {
            return Ok(false);
        }
        let lease = (claim.clone(), now + lifetime);
        state.leases.insert(claim.name().clone(), lease);
        Ok(true)
    }

    async fn release(&self, claim: &Claim) -> Result<(), LayerError> {
        let backend = &self.backend;
        if backend.is(Defect::KeepsReleasedLeases) {
            return Ok(());
        }
        let mut state = backend.state.lock().unwrap();
        state.leases.retain(|name, (holder, _)| {
            name != claim.name() || (holder != claim && !backend.is(Defect::AnybodyReleasesLeases))
        });
        Ok(())
    }

    fn drops(&self) -> Option<Arc<DropCounts>> {
        Some(match self.backend.defect {
            Defect::CountsNothing => Arc::default(),
            _ => Arc::clone(&self.backend.settings.drops),
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
            let several = self.processes.load(SeqCst) > 1;
            if self.is(Defect::LosesWithTheLastListener) && several && inbox.readers() == 0 {
                inbox.clear();
            }
            return;
        }
        if let Some(places) = state.channels.get_mut(name) {
            places.retain(|known| !Arc::ptr_eq(&known.inbox, inbox));
            if places.is_empty() {
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
