//! Runs programs beside the server that its administrator has named: commands that are known at run time only.
//!
//! Which ones a plugin may run stands in its configuration, and which ones the provider knows by itself in a table.
//! Either way a program has a time limit, a clean environment without the server's token, and its secrets never stand
//! in an argument. Whoever calls the action chooses a name, never a program.

use std::{collections::BTreeMap, process::ExitCode, time::Duration};

use drp_plugin::{
    Action, ActionCall, AvailableAction, Command, Context, Error, Machine, Model, Provider, Raw, Result, Secure,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, JsonSchema)]
struct Config {
    /// The programs that may be run, with their arguments, by names for them.
    #[serde(rename = "local-commands/programs")]
    programs: BTreeMap<String, Vec<String>>,
    /// What programs find in `COMMAND_PASSWORD`.
    #[serde(rename = "local-commands/password")]
    password: Option<Secure<String>>,
}

#[derive(Deserialize, JsonSchema)]
struct Run {
    /// Which of the programs to run.
    #[serde(rename = "local-commands/program")]
    program: String,
}

#[derive(Serialize)]
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
    truncated: bool,
}

/// Runs one program for a machine, whose object it reads from its standard input.
async fn run_local(context: Context<Config>, machine: Machine, params: Run) -> Result<Ended> {
    let config = context.state();
    let Some((program, args)) = config.programs.get(&params.program).and_then(|words| words.split_first()) else {
        let known: Vec<&str> = config.programs.keys().map(String::as_str).collect();
        return Err(Error::new(404, format!("no program `{}`; there are: {}", params.program, known.join(", "))));
    };
    let mut command = Command::new(program)
        .args(args)
        .env("MACHINE", machine.key())
        .stdin(serde_json::to_vec(&machine)?)
        .time_limit(Duration::from_secs(10))
        .output_limit(64 << 10);
    if let Some(password) = &config.password {
        command = command.secret_env("COMMAND_PASSWORD", password);
    }
    let output = command.run().await?;
    Ok(Ended {
        code: output.code(),
        stdout: output.stdout_text(),
        stderr: output.stderr_text(),
        truncated: output.truncated(),
    })
}

/// An action for each row: a system action that runs a program and gives what it printed.
const TOOLS: [(&str, &str, &[&str]); 2] = [("kernel", "uname", &["-s"]), ("hostname", "uname", &["-n"])];

async fn run_tool(_context: Context<Config>, call: ActionCall) -> Result<Raw> {
    let tool = TOOLS.into_iter().find(|(command, ..)| *command == call.command);
    let (_, program, args) = tool.ok_or_else(|| Error::new(404, format!("no tool `{}`", call.command)))?;
    // Another exit code than 0 is an error here, with the end of what it said on standard error.
    let output = Command::new(program).args(args).run().await?.success()?;
    Ok(Raw::from(output.stdout_text().trim()))
}

fn provider() -> Provider<Config> {
    let provider = Provider::new("local-commands", "v1.0.0")
        .about("Runs programs beside the server")
        .configure(async |_: Context<()>, config: Config| Ok(config))
        .action("runLocal", run_local);
    TOOLS.into_iter().fold(provider, |provider, (command, ..)| {
        let available = AvailableAction { command: command.to_owned(), ..AvailableAction::default() };
        provider.add_action(Action::dynamic(available, run_tool))
    })
}

fn main() -> ExitCode {
    provider().run()
}
