//! Writes events into a file, one line of JSON each. The configuration says which ones, and where.
//!
//! Events of one object come in their order. Where they come faster than they are written, the oldest that wait go; how
//! many is in the log, in `/plugin-apis/event-sink/metrics`, and told to `reconcile`.

use std::{
    fs::{File, OpenOptions},
    io::{BufWriter, Write},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use drp_plugin::{
    Context, Error, Event, EventLimits, Missed, NoParams, On, Overflow, Provider, Result, Selector, System,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, JsonSchema)]
struct Config {
    /// Selectors of the events to write, such as `machines.*.*`.
    #[serde(rename = "event-sink/events", default = "all_of_machines")]
    events: Vec<Selector>,
    /// The file to append to.
    #[serde(rename = "event-sink/path")]
    path: String,
}

fn all_of_machines() -> Vec<Selector> {
    vec![Selector::of(&["machines"], &[], &[])]
}

/// The open file. When another configuration takes its place, it is written to its end and closed as soon as the last
/// handler that uses it has ended.
struct Sink {
    events: Vec<Selector>,
    file: Mutex<BufWriter<File>>,
    written: AtomicU64,
    lost: AtomicU64,
}

impl Sink {
    fn write(&self, event: &Event) -> Result<()> {
        let line = serde_json::to_string(event)?;
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(file, "{line}")?;
        self.written.fetch_add(1, Relaxed);
        Ok(())
    }

    fn flush(&self) -> Result<()> {
        Ok(self.file.lock().unwrap_or_else(PoisonError::into_inner).flush()?)
    }
}

async fn configure(_context: Context<()>, config: Config) -> Result<Sink> {
    let file = OpenOptions::new().create(true).append(true).open(&config.path);
    let file =
        file.map_err(|error| Error::from(error).with_code(400).context(format!("cannot open `{}`", config.path)));
    let file = Mutex::new(BufWriter::new(file?));
    Ok(Sink { events: config.events, file, written: AtomicU64::new(0), lost: AtomicU64::new(0) })
}

async fn write(context: Context<Sink>, event: Event) -> Result<()> {
    context.state().write(&event)
}

async fn missed(context: Context<Sink>, missed: Missed) -> Result<()> {
    context.state().lost.fetch_add(missed.lagged, Relaxed);
    if missed.resyncs > 0 {
        tracing::warn!("events are missing: the connection was lost {} times", missed.resyncs);
    }
    Ok(())
}

#[derive(Serialize)]
struct Written {
    written: u64,
    lost: u64,
}

async fn written(context: Context<Sink>, _system: System, _params: NoParams) -> Result<Written> {
    let sink = context.state();
    sink.flush()?;
    Ok(Written { written: sink.written.load(Relaxed), lost: sink.lost.load(Relaxed) })
}

fn provider() -> Provider<Sink> {
    Provider::new("event-sink", "v1.0.0")
        .about("Writes events into a file")
        .configure(configure)
        .event(On::computed(|sink: &Sink| sink.events.clone()).time_limit(Duration::from_secs(5)), write)
        .event_limits(EventLimits::default().waiting(10_000).waiting_per_object(1_000).overflow(Overflow::DropOldest))
        .reconcile(missed)
        .action("written", written)
        // After the last handler: nothing is written any more.
        .on_stop(async |context: Context<Sink>| context.state().flush())
}

fn main() -> ExitCode {
    provider().run()
}
