//! `drpx logs`: what a server has logged, and what it logs.

use std::collections::HashSet;

use anstyle::{AnsiColor, Style};
use clap::Args;
use drp_client::{Client, ClientError, EventStream, Request};
use drp_core::{Event, Level, Line, Raw};

use crate::{
    cli::ConnectionArgs,
    columns::Columns,
    connection::connect,
    exit::{Exit, Failure},
    show::{self, Said},
    watch::{Over, Watch},
};

/// Show the log of a server.
///
/// Shows the lines that the server still has, about 1,000: when, how much it matters, which service and user it is
/// about, and the message. With --follow it goes on with what is logged from then on, until Ctrl-C. Lines of plugins
/// are among them.
///
/// Where lines are lost, a line on stderr says so. Some lines are only among those that the server has and never come
/// live: those that must not become events.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  drpx logs                               what there is
  drpx logs --follow --level warn         and what comes, if it is a warning or worse
  drpx logs -f --service incrementer --service plugins
  drpx logs --json | jq -r 'select(.Level == \"audit\") | .Message'

Levels: trace, debug, info, warn, error, fatal, panic, audit. Audit lines are shown at every level.")]
pub(crate) struct LogsArgs {
    /// Go on with what is logged from now on.
    #[arg(short, long)]
    follow: bool,
    /// Show lines of this level and those above it only.
    #[arg(long, default_value = "trace", hide_default_value = true)]
    level: Level,
    /// Show lines of this service only; repeatable.
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,
    /// Print each line as the server sent it, one JSON object on a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(crate) async fn logs(args: LogsArgs) -> Result<Exit, Failure> {
    let client = connect(&args.connection).await?;
    let mut watch = Watch::start()?;
    let got = match watch.wait(get(&client, args.follow)).await {
        Ok(got) => got,
        Err(over) => return Ok(watch.end(Err(over)).await),
    };
    let (events, lines) = got.map_err(|error| Failure::new(error.chain()))?;
    let mut view = View { columns: Columns::new([24, 5, 12, 12]), args: &args, shown: HashSet::new() };
    let over = view.show(&mut watch, events, lines).await;
    Ok(watch.end(over).await)
}

/// The lines that the server has and, registered before them, the events of those to come.
async fn get(client: &Client, follow: bool) -> Result<(Option<EventStream>, Vec<Raw>), ClientError> {
    let events = match "log.*.*".parse() {
        Ok(selector) if follow => Some(client.events(vec![selector]).await?),
        _ => None,
    };
    Ok((events, client.send(Request::logs()?).await?))
}

struct View<'a> {
    columns: Columns<4>,
    args: &'a LogsArgs,
    /// Lines that were there and may come as events once more.
    shown: HashSet<(i64, String)>,
}

impl View<'_> {
    async fn show(&mut self, watch: &mut Watch, events: Option<EventStream>, lines: Vec<Raw>) -> Result<(), Over> {
        for raw in &lines {
            if let Ok(line) = raw.parse::<Line>() {
                self.shown.insert(identity(&line));
            }
            if let Some(text) = self.text(raw) {
                watch.show(Said::Result(text)).await?;
            }
        }
        let Some(events) = events else { return Ok(()) };
        Err(watch.follow(events, "lines", |event| self.text_of_event(event)).await)
    }

    fn text_of_event(&mut self, event: &Event) -> Option<String> {
        let is_shown = event.object.parse().is_ok_and(|line| self.shown.remove(&identity(&line)));
        if is_shown { None } else { self.text(&event.object) }
    }

    /// The line for whoever wants it; `None` where it is not asked for.
    fn text(&mut self, raw: &Raw) -> Option<String> {
        let Ok(line) = raw.parse::<Line>() else {
            // Whatever it is, it is part of the log.
            return Some(if self.args.json { one_line(raw) } else { show::presentable(raw.get()) });
        };
        let is_wanted = line.level >= self.args.level
            && (self.args.services.is_empty() || self.args.services.contains(&line.service));
        let text = || if self.args.json { one_line(raw) } else { row(&mut self.columns, &line) };
        is_wanted.then(text)
    }
}

/// What no two lines of a server have in common, even if it was started again.
fn identity(line: &Line) -> (i64, String) {
    (line.seq, line.time.to_string())
}

/// JSON as it came; line ends between its parts mean nothing.
fn one_line(raw: &Raw) -> String {
    raw.get().replace(['\n', '\r'], " ")
}

fn row(columns: &mut Columns<4>, line: &Line) -> String {
    let cells = [
        (show::QUIET, &*show::moment(&line.time)),
        (style_of(line.level), line.level.as_str()),
        (Style::new().bold(), &line.service),
        (show::QUIET, &line.principal),
    ];
    columns.row(cells, line.message.trim_end())
}

fn style_of(level: Level) -> Style {
    match level {
        Level::Trace | Level::Debug => show::QUIET,
        Level::Info => AnsiColor::Green.on_default(),
        Level::Warn => AnsiColor::Yellow.on_default(),
        Level::Error | Level::Fatal | Level::Panic => AnsiColor::Red.on_default().bold(),
        Level::Audit => AnsiColor::Magenta.on_default(),
    }
}
