//! Mixed actions, events and writes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use drp_client::{Client, ClientError};
use drp_core::{Error, Event, Machine, Params, Raw, json as raw_json};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    ledger::Ledger,
    log::TOKEN,
    plugins::{Plugin, Role},
    run::World,
    writes::MACHINES,
};

/// Tasks that each run one action after the other.
const ACTORS: usize = 6;
/// Tasks that each post one event after the other, on keys of their own.
const POSTERS: usize = 2;
/// Keys of each of these.
const KEYS: u64 = 4;
/// Time between two events of one task.
const EVENT_TIME: Duration = Duration::from_millis(8);
/// Time between two writes.
const WRITE_TIME: Duration = Duration::from_millis(50);
/// What stands in every event, so that a subscriber that takes nothing fills its connection soon.
const PADDING: usize = 16 << 10;
/// Lines of a flood: more than wait in a provider.
const FLOOD_LINES: u64 = 6000;
/// Text of the errors that are asked for.
const REASON: &str = "the soak asked for it";

/// Starts the load; it ends by itself.
pub(crate) fn start(world: &Arc<World>, until: Instant, flood: bool) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for _ in 0..ACTORS {
        let (world, mut random) = (Arc::clone(world), world.random());
        tasks.spawn(async move {
            while Instant::now() < until {
                act(&world, &mut random).await;
            }
        });
    }
    for poster in 0..POSTERS {
        let world = Arc::clone(world);
        tasks.spawn(async move {
            let mut ticks = tokio::time::interval(EVENT_TIME);
            while Instant::now() < until {
                ticks.tick().await;
                post(&world, poster).await;
            }
        });
    }
    let writer = Arc::clone(world);
    tasks.spawn(async move {
        let mut ticks = tokio::time::interval(WRITE_TIME);
        while Instant::now() < until {
            ticks.tick().await;
            let number = writer.writes.next_number();
            if let Err(error) = writer.writes.write(&writer.client, number, &writer.ledger).await {
                writer.ledger.find(format!("a write was refused: {}", drp_core::chain(&error)));
                return;
            }
        }
    });
    if flood && let Some(index) = world.plugins.iter().position(|plugin| plugin.role == Role::Steady) {
        let world = Arc::clone(world);
        tasks.spawn(async move { run(&world, &world.plugins[index], &Action::Log(FLOOD_LINES)).await });
    }
    tasks
}

/// Posts the next event, with a number that grows with each event of its key.
pub(crate) async fn post(world: &World, poster: usize) {
    let seq = world.next_seq();
    let object = json!({ "Seq": seq, "Padding": "x".repeat(PADDING) });
    let event = Event::new("probe", "soak", &format!("{poster}-{}", seq % KEYS), Raw::from(object));
    match world.client.post_event(&event).await {
        Ok(()) => Ledger::add(&world.ledger.events, 1),
        Err(error) => world.ledger.find(format!("an event was refused: {}", drp_core::chain(&error))),
    }
}

/// An action with what it needs.
enum Action {
    Echo(Value),
    Sleep(f64),
    /// Adds to a param of this machine.
    Store(&'static str),
    Increment(&'static str),
    Log(u64),
    Spawn,
    Fail,
    Panic,
    Secret,
}

/// What is wrong with the answer to an action.
enum Wrong {
    Failed(ClientError),
    Answer(String),
}

impl From<ClientError> for Wrong {
    fn from(error: ClientError) -> Self {
        Self::Failed(error)
    }
}

async fn act(world: &World, random: &mut fastrand::Rng) {
    let Some(plugin) = random.choice(&world.plugins) else { return };
    if plugin.role == Role::Crashing {
        return;
    }
    let machine = random.choice(MACHINES).unwrap_or(MACHINES[0]);
    let action = match random.u32(0..100) {
        _ if !plugin.is_probe() => Action::Increment(machine),
        0..30 => Action::Echo(json!({ "n": random.u64(..), "text": "x".repeat(random.usize(..20_000)) })),
        30..40 => Action::Sleep(random.f64() * 0.3),
        40..65 => Action::Store(machine),
        65..75 => Action::Log(random.u64(1..20)),
        75..82 => Action::Spawn,
        82..88 => Action::Fail,
        88..92 => Action::Panic,
        _ => Action::Secret,
    };
    run(world, plugin, &action).await;
}

/// Runs an action and counts what came of it.
async fn run(world: &World, plugin: &Plugin, action: &Action) {
    let outcome = answered(&world.client, plugin, action).await;
    let acknowledged = outcome.is_ok();
    match action {
        Action::Store(machine) => world.writes.added(machine, "probe/counter", acknowledged),
        Action::Increment(machine) => world.writes.added(machine, "soak/added", acknowledged),
        Action::Log(count) if acknowledged => world.ledger.ask_for_lines(&plugin.name, *count),
        _ => {}
    }
    // Looked at afterwards: a fault that comes meanwhile excuses as well.
    let excused = plugin.is_replaced()
        || (plugin.is_disturbed()
            && plugin.role == Role::Cut
            && matches!(action, Action::Store(_) | Action::Increment(_)));
    let finding = match outcome {
        Ok(()) => return Ledger::add(&world.ledger.answered, 1),
        Err(Wrong::Failed(error)) if excused && error.wire().is_some_and(says_why) => {
            return Ledger::add(&world.ledger.refused, 1);
        }
        Err(Wrong::Failed(error)) => drp_core::chain(&error),
        Err(Wrong::Answer(text)) => text,
    };
    world.ledger.find(format!("action {} on {}: {finding}", action.name(), plugin.name));
}

fn says_why(error: &Error) -> bool {
    error.code >= 400 && error.messages.iter().any(|message| !message.trim().is_empty())
}

impl Action {
    fn name(&self) -> &'static str {
        match self {
            Self::Echo(_) => "echo",
            Self::Sleep(_) => "sleep",
            Self::Store(_) => "store",
            Self::Increment(_) => "increment",
            Self::Log(_) => "log",
            Self::Spawn => "spawn",
            Self::Fail => "fail",
            Self::Panic => "panic",
            Self::Secret => "secret",
        }
    }

    fn params(&self) -> Value {
        match self {
            Self::Echo(value) => json!({ "probe/value": value }),
            Self::Sleep(seconds) => json!({ "probe/seconds": seconds }),
            Self::Increment(_) => json!({ "incrementer/parameter": "soak/added" }),
            Self::Log(count) => json!({ "probe/count": count }),
            Self::Spawn => json!({ "probe/command": "echo out; echo err >&2; exit 3" }),
            Self::Fail => json!({ "probe/code": 409, "probe/message": REASON }),
            Self::Store(_) | Self::Panic | Self::Secret => json!({}),
        }
    }

    /// What an answer has to be; nothing where an error is asked for.
    fn result(&self) -> Option<Value> {
        match self {
            Self::Echo(value) => Some(value.clone()),
            Self::Sleep(_) => Some(json!("slept")),
            Self::Log(count) => Some(json!(count)),
            Self::Spawn => Some(json!({ "code": 3, "stdout": "out\n", "stderr": "err\n", "truncated": false })),
            Self::Secret => Some(json!(TOKEN.len())),
            Self::Store(_) | Self::Increment(_) | Self::Fail | Self::Panic => None,
        }
    }
}

/// Runs an action and looks whether its answer is right.
async fn answered(client: &Client, plugin: &Plugin, action: &Action) -> Result<(), Wrong> {
    let params: Params = raw_json::parse(action.params().to_string().as_bytes())
        .map_err(|error| Wrong::Answer(format!("its params are wrong: {error}")))?;
    let actions = match action {
        Action::Store(machine) | Action::Increment(machine) => {
            client.objects::<Machine>().actions(&format!("Name:{machine}")).plugin(&plugin.name)
        }
        _ => plugin.actions(client),
    };
    let answer = actions.run(action.name(), &params).await;
    let unexpected = |answer: &Raw| Wrong::Answer(format!("its answer is {}", answer.get()));
    match action {
        Action::Fail | Action::Panic => match answer {
            Ok(answer) => Err(unexpected(&answer)),
            Err(error) => match error.wire() {
                Some(wire) if says_why(wire) && is_asked_for(action, wire) => Ok(()),
                _ => Err(error.into()),
            },
        },
        Action::Store(_) | Action::Increment(_) => {
            let answer = answer?;
            if answer.parse::<i64>().is_ok_and(|value| value > 0) { Ok(()) } else { Err(unexpected(&answer)) }
        }
        _ => {
            let answer = answer?;
            let right = answer.parse::<Value>().ok() == action.result();
            if right { Ok(()) } else { Err(unexpected(&answer)) }
        }
    }
}

/// Whether this is the error that the action was to give, and not one of something else.
fn is_asked_for(action: &Action, error: &Error) -> bool {
    match action {
        Action::Fail => error.code == 409 && error.messages.iter().any(|message| message == REASON),
        _ => error.code == 500 && error.messages.iter().any(|message| message.contains("panicked")),
    }
}
