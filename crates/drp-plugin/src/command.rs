//! The command line: `define`, `unpack DIR`, `listen TO FROM`, `version`, and help.
//!
//! Hosts depend on what is printed where and on the exit codes (`vectors/wire/plugin-cli.json`).

use std::{
    fs,
    future::Future,
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use drp_core::{Level, chain, contract};

use crate::{Error, Provider, Result, handler::BoxFuture, listen, serve::contain_panic, unpack, validate};

/// The commands that every provider has.
pub(crate) const COMMANDS: [&str; 6] = ["autocomplete", "define", "help", "listen", "unpack", "version"];

/// A command that only this provider has.
pub(crate) struct Subcommand<S> {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) run: RunSubcommand<S>,
}

type RunSubcommand<S> = Box<dyn FnOnce(Provider<S>, Vec<String>) -> BoxFuture<Result<()>> + Send + Sync>;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
struct Asked<'a> {
    command: &'a str,
    args: Vec<&'a str>,
    debug: bool,
    help: bool,
}

fn parse(args: &[String]) -> Result<Asked<'_>, String> {
    let mut asked = Asked { command: "", args: Vec::new(), debug: false, help: false };
    for (index, arg) in args.iter().enumerate() {
        match arg.as_str() {
            "--" => {
                asked.args.extend(args.iter().skip(index + 1).map(String::as_str));
                break;
            }
            "-d" | "--debug" => asked.debug = true,
            "-h" | "--help" => asked.help = true,
            flag if flag.len() > 1 && flag.starts_with('-') => return Err(format!("unknown flag: {flag}")),
            command if asked.command.is_empty() => asked.command = command,
            arg => asked.args.push(arg),
        }
    }
    if asked.command == "help" {
        asked.help = true;
        asked.command = asked.args.first().copied().unwrap_or_default();
    }
    Ok(asked)
}

pub(crate) fn run<S: Send + Sync + 'static>(mut provider: Provider<S>, args: &[String]) -> ExitCode {
    if let Some((name, args)) = args.split_first()
        && let Some(index) = provider.subcommands.iter().position(|known| known.name == *name)
    {
        let subcommand = provider.subcommands.swap_remove(index);
        return run_own(provider, subcommand, args.to_vec());
    }
    let asked = match parse(args) {
        Ok(asked) => asked,
        Err(problem) => return fail(&problem),
    };
    if asked.help || asked.command.is_empty() {
        return print(&help(&provider));
    }
    match asked.command {
        "define" => define(&provider),
        "unpack" => unpack(&provider, asked.args.first()),
        "version" => print(&format!("Version: {}\n", provider.version)),
        "autocomplete" => autocomplete(&provider, &asked.args),
        "listen" => match asked.args.as_slice() {
            [to, from] => listen(provider, to, from, if asked.debug { Level::Debug } else { Level::Info }),
            _ => {
                let usage = "listen <socket path to plugin> <socket path from plugin> [flags] requires 2 argument";
                let problem = format!("{} {usage}", provider.name);
                print(&format!("{}\n", contract::FAILED));
                fail(&problem)
            }
        },
        other => {
            let name = &provider.name;
            fail(&format!("unknown command \"{other}\" for \"{name}\"\nRun '{name} --help' for usage."))
        }
    }
}

/// Runs a command of the provider's own.
fn run_own<S: Send + Sync + 'static>(provider: Provider<S>, subcommand: Subcommand<S>, args: Vec<String>) -> ExitCode {
    let work = async move {
        let log = listen::start_local_log(&provider, Level::Info);
        let what = format!("subcommand `{}`", subcommand.name);
        let result = contain_panic(what.into(), async { (subcommand.run)(provider, args).await }).await;
        log.end().await;
        // Before the secrets are forgotten.
        result.map_err(Error::redacted)
    };
    match block_on(work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

fn define<S: Send + Sync + 'static>(provider: &Provider<S>) -> ExitCode {
    let definition = match provider.definition() {
        Ok(definition) => definition,
        Err(error) => return fail(&error.to_string()),
    };
    let definition = match block_on(validate::validated(provider, definition)) {
        Ok(definition) => definition,
        Err(error) => return fail(&error.to_string()),
    };
    match serde_json::to_string_pretty(&definition) {
        Ok(text) => print(&(text + "\n")),
        Err(error) => fail(&format!("cannot write the definition as JSON: {error}")),
    }
}

fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    result
}

fn unpack<S>(provider: &Provider<S>, location: Option<&&str>) -> ExitCode {
    match unpack::unpack(&provider.files, Path::new(location.copied().unwrap_or_default())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&chain(&error)),
    }
}

fn listen<S: Send + Sync + 'static>(provider: Provider<S>, to: &str, from: &str, level: Level) -> ExitCode {
    if let Err(error) = provider.definition() {
        return fail(&error.to_string());
    }
    match listen::listen(provider, to, from, level) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&chain(&error)),
    }
}

fn autocomplete<S>(provider: &Provider<S>, args: &[&str]) -> ExitCode {
    let name = &provider.name;
    let [file] = args else {
        return fail(&format!("{name} autocomplete <filename> [flags] requires 1 argument"));
    };
    let own = provider.subcommands.iter().map(|subcommand| subcommand.name.as_str());
    let words: Vec<&str> = COMMANDS.into_iter().chain(own).chain(["--debug", "--help"]).collect();
    match fs::write(file, format!("complete -o default -W '{}' {name}\n", words.join(" "))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("cannot write `{file}`: {error}")),
    }
}

fn help<S>(provider: &Provider<S>) -> String {
    let Provider { name, version, meta, .. } = provider;
    let about = match meta.text("Description") {
        "" => format!("{name}, a plugin provider for Digital Rebar Provision"),
        about => about.to_owned(),
    };
    let own = provider.subcommands.iter().map(|own| format!("  {:<21} {}\n", own.name, own.about));
    let own: String = own.collect();
    format!(
        "{about}

Version: {version}

Usage:
  {name} [command]

A dr-provision server runs these commands. To try the provider by hand, run it under `drpx run`.

Available Commands:
  define                Print the definition of this provider as JSON
  unpack DIR            Write the files that this provider ships below DIR
  listen TO FROM        Serve as a plugin on socket TO and call the server on socket FROM
  version               Print the version of this provider
  autocomplete FILE     Write completions for bash to FILE
  help                  Print this help
{own}
Flags:
  -d, --debug   log at level debug
  -h, --help    print this help
"
    )
}

fn print(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

pub(crate) fn fail(problem: &str) -> ExitCode {
    // Where stderr is gone, the exit code has to do.
    let _ = writeln!(io::stderr(), "Error: {problem}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn flags_may_stand_anywhere() {
        let check = |text: &str, command: &str, rest: &[&str], debug: bool, help: bool| {
            let args = args(text);
            let expected = Asked { command, args: rest.to_vec(), debug, help };
            assert_eq!(parse(&args), Ok(expected), "{text}");
        };
        check("", "", &[], false, false);
        check("-d version", "version", &[], true, false);
        check("listen a b --debug", "listen", &["a", "b"], true, false);
        check("help define", "define", &["define"], false, true);
        check("unpack -- -x", "unpack", &["-x"], false, false);
        assert_eq!(parse(&args("define --nosuchflag")), Err("unknown flag: --nosuchflag".to_owned()));
    }
}
