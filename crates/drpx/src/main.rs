//! `drpx`: run, serve and call plugin providers of Digital Rebar Provision.
//!
//! Results and what a person watches go to stdout, everything else to stderr. Exit codes: see [`exit::Exit`].

mod action;
mod backup;
mod build;
mod check;
mod cli;
mod columns;
mod conformance;
mod connection;
mod content;
mod descriptors;
mod events;
mod exit;
mod lines;
mod logs;
mod new;
mod param;
mod progress;
mod restore;
mod run;
mod serve;
mod show;
mod signals;
mod trace;
mod watch;

use std::{process::ExitCode, time::Duration};

use clap::{CommandFactory, Parser};

use crate::{
    cli::{Cli, Command},
    exit::{Exit, Failure},
};

/// What a command that has ended still does on the side, such as removing what is not whole, has so long for it. What
/// waits for ever, such as a writing to a pipe that nobody reads, ends with the process.
const SIDE_WORK_TIME: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    // Uploaded to a server by `drpx conformance --host`, it is the provider of that suite.
    if let Some(code) = drp_conformance::puppet::run() {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, and are no mistake.
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Well };
            let _ = error.print();
            return code.into();
        }
    };
    match dispatch(cli.command) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            show::complain(&failure.to_string());
            failure.exit.into()
        }
    }
}

fn dispatch(command: Command) -> Result<Exit, Failure> {
    if let Command::Completions { shell } = command {
        clap_complete::generate(shell, &mut Cli::command(), "drpx", &mut std::io::stdout());
        return Ok(Exit::Well);
    }
    if matches!(command, Command::Openapi) {
        show::result(&drp_core::Raw::from(drp_host::openapi()));
        return Ok(Exit::Well);
    }
    if let Command::Content(args) = command {
        return content::content(&args);
    }
    if let Command::New(args) = command {
        return new::new(&args);
    }
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::new(format!("cannot start: {error}")))?;
    let ended = runtime.block_on(async {
        match command {
            Command::Run(args) => run::run(args).await,
            Command::Trace(args) => trace::trace(args).await,
            Command::Replay(args) => trace::replay(args).await,
            Command::Serve(args) => serve::serve(args).await,
            Command::Check(args) => check::check(&args).await,
            Command::Conformance(args) => conformance::conformance(&args).await,
            Command::Action(args) => action::action(args).await,
            Command::Events(args) => events::events(args).await,
            Command::Logs(args) => logs::logs(args).await,
            Command::Backup(args) => backup::backup(args).await,
            Command::Restore(args) => restore::restore(args).await,
            Command::Completions { .. } | Command::Content(_) | Command::New(_) | Command::Openapi => Ok(Exit::Well),
        }
    });
    runtime.shutdown_timeout(SIDE_WORK_TIME);
    ended
}
