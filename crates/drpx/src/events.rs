//! `drpx events`: what happens on a server, while it happens.

mod summary;

use anstyle::{AnsiColor, Style};
use clap::Args;
use drp_core::{Event, Selector};

use crate::{
    cli::ConnectionArgs,
    columns::Columns,
    connection::connect,
    exit::{Exit, Failure},
    show,
    watch::Watch,
};

/// Watch what happens on a server.
///
/// Shows each event on a line while it happens: when, the type of object, what happened, its key, who did it, and what
/// changed. Runs until Ctrl-C.
///
/// A SELECTOR is TYPE.ACTION.KEY. Each part is `*` or a list of words with commas between them; in a word, `\1` stands
/// for a dot, `\2` for a comma and `\3` for a star. Changes come as `update` and, where the server made them, as `save`.
///
/// Where events are lost, because they came faster than they could be shown or because the connection was, a line on
/// stderr says so. A lost connection is made again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  drpx events                                    everything, log lines included
  drpx events 'machines.*.*' 'jobs.create,save.*'
  drpx events machines.update.87a74f0e-d168-4687-99e8-8fd3a7ed551b
  drpx events --json 'jobs.*.*' | jq -r '.Object.State'
  drpx events 'plugins.*.*' | head -1            wait for one")]
pub(crate) struct EventsArgs {
    /// Which events; all of them if none is given. Quote it: shells have a meaning of their own for `*`.
    #[arg(value_name = "SELECTOR")]
    selectors: Vec<Selector>,
    /// Print each event as the server sent it, one JSON object on a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(crate) async fn events(args: EventsArgs) -> Result<Exit, Failure> {
    let client = connect(&args.connection).await?;
    let selectors = if args.selectors.is_empty() { vec![everything()?] } else { args.selectors };
    let mut watch = Watch::start()?;
    let opened = match watch.wait(client.events(selectors)).await {
        Ok(opened) => opened,
        Err(over) => return Ok(watch.end(Err(over)).await),
    };
    let events = opened.map_err(|error| Failure::new(error.chain()))?;
    let names: Vec<String> = events.selectors().iter().map(Selector::to_string).collect();
    show::progress("watching", &names.join(" "));
    let mut columns = Columns::new([24, 9, 8, 12, 12]);
    let over = watch
        .follow(events, "events", |event| Some(if args.json { json(event) } else { row(&mut columns, event) }))
        .await;
    Ok(watch.end(Err(over)).await)
}

fn everything() -> Result<Selector, Failure> {
    "*.*.*".parse().map_err(|error| Failure::new(format!("{error}")))
}

/// The event on one line, with its values as they came.
fn json(event: &Event) -> String {
    // Text within JSON has no bare line ends: those between its parts mean nothing.
    serde_json::to_string(event).unwrap_or_default().replace(['\n', '\r'], " ")
}

fn row(columns: &mut Columns<5>, event: &Event) -> String {
    let cells = [
        (show::QUIET, &*show::moment(&event.time)),
        (Style::new(), &event.type_),
        (style_of(&event.action), &event.action),
        (Style::new().bold(), &event.key),
        (show::QUIET, &event.principal),
    ];
    columns.row(cells, &summary::of(event))
}

fn style_of(action: &str) -> Style {
    match action {
        "create" => AnsiColor::Green.on_default(),
        "delete" | "error" | "fatal" | "panic" => AnsiColor::Red.on_default(),
        "update" | "save" => AnsiColor::Cyan.on_default(),
        "warn" => AnsiColor::Yellow.on_default(),
        _ => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use drp_core::json::parse;

    use super::*;

    #[test]
    fn an_event_is_a_row_or_a_line_of_json() {
        let text = "{\"Time\":\"2026-11-24T15:19:18.5Z\",\"Type\":\"machines\",\"Action\":\"update\",\"Key\":\"m1\",\n\
            \"Principal\":\"\",\"Object\":{\"Name\":\"web1\",\n\"Count\":9007199254740993},\"Original\":null,\"New\":1}";
        let event: Event = parse(text.as_bytes()).unwrap();
        let line = json(&event);
        assert!(!line.contains('\n') && line.contains("9007199254740993"), "{line}");
        assert_eq!(parse::<Event>(line.as_bytes()).unwrap(), event);
        let row = row(&mut Columns::new([24, 9, 8, 12, 12]), &event);
        let plain = anstream::adapter::strip_str(&row).to_string();
        assert_eq!(plain, "2026-11-24T15:19:18.500Z  machines   update    m1            -             web1");
    }
}
