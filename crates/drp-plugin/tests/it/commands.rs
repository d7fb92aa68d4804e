//! Commands of a provider's own, and what `define` makes of `validate`. The test binary runs itself as the provider.

use std::process::{Command, Output};

use drp_plugin::{AvailableAction, Context, Error, NoParams, PluginProvider, Provider, Result, System};

/// Name of the test below, which is how the test binary is asked to be the provider.
const PROCESS_TEST: &str = "commands::provider_process";
const ARGS_ENV: &str = "DRPX_TEST_ARGS";
const MISSING_ENV: &str = "DRPX_TEST_MISSING";

async fn validate(_context: Context<()>, mut definition: PluginProvider) -> Result<PluginProvider> {
    if std::env::var(MISSING_ENV).is_ok() {
        return Err(Error::new(412, format!("no ipmitool; {:?}", std::env::var("RS_TOKEN"))));
    }
    definition.available_actions.push(AvailableAction { command: "found".to_owned(), ..AvailableAction::default() });
    Ok(definition)
}

fn provider() -> Provider<()> {
    Provider::new("importer", "v1.0.0")
        .action("import", async |_: Context<()>, _: System, _: NoParams| Ok(()))
        .validate(validate)
        .subcommand("once", "Imports once and ends", async |provider: Provider<()>, args: Vec<String>| {
            tracing::info!("{} was given {args:?}", provider.name());
            match args.first().map(String::as_str) {
                Some("fail") => Err(Error::new(500, "nothing to import")),
                Some("panic") => panic!("asked to panic"),
                _ => Ok(()),
            }
        })
}

/// Not a test of its own: with the variable set, this process is the provider and never comes back.
#[test]
#[allow(clippy::exit, reason = "the process is the provider's")]
fn provider_process() {
    let Ok(args) = std::env::var(ARGS_ENV) else { return };
    let code = provider().run_with(args.split(' ').map(str::to_owned));
    std::process::exit(i32::from(format!("{code:?}") != format!("{:?}", std::process::ExitCode::SUCCESS)));
}

fn run(args: &str, env: &[(&str, &str)]) -> (bool, String, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", PROCESS_TEST, "--nocapture", "--quiet"]).env(ARGS_ENV, args);
    command.env_remove("RS_TOKEN").env_remove("RS_ENDPOINT").envs(env.iter().copied());
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.success(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_command_of_ones_own_gets_what_stands_behind_it_and_logs_to_stderr() {
    let (well, out, err) = run("once a --flag help", &[]);
    assert!(well && err.contains(r#"importer was given ["a", "--flag", "help"]"#), "{out} {err}");
    let (well, _, err) = run("once fail", &[]);
    assert!(!well && err.contains("Error: nothing to import"), "{err}");
    let (well, _, err) = run("once panic", &[]);
    assert!(!well && err.contains("Error: subcommand `once` panicked"), "{err}");
    let (well, out, _) = run("help", &[]);
    assert!(well && out.contains("once                  Imports once and ends"), "{out}");
}

#[test]
fn names_that_are_taken_are_mistakes_of_the_provider() {
    let nothing = async |_: Provider<()>, _: Vec<String>| Ok(());
    let provider = provider().subcommand("define", "", nothing).subcommand("once", "", nothing);
    let text = provider.definition().unwrap_err().to_string();
    assert!(text.contains("`define` cannot be a subcommand") && text.contains("`once` cannot be"), "{text}");
}

#[test]
fn define_prints_what_validate_gives_where_there_is_a_server_to_ask() {
    let server = [("RS_ENDPOINT", "https://127.0.0.1:1"), ("RS_TOKEN", "t0ken-of-validate")];
    let (well, out, err) = run("define", &server);
    assert!(well && out.contains("\"Command\": \"found\""), "{out} {err}");
    for token in ["", "catalog"] {
        let (well, out, err) = run("define", &[("RS_ENDPOINT", "https://127.0.0.1:1"), ("RS_TOKEN", token)]);
        assert!(well && out.contains("\"Command\": \"import\"") && !out.contains("found"), "{token}: {out} {err}");
    }
    let (well, out, err) = run("define", &[server[0], server[1], (MISSING_ENV, "1")]);
    assert!(!well && err.contains("Error: no ipmitool") && !out.contains("Name"), "{out} {err}");
    assert!(!err.contains("t0ken-of-validate"), "{err}");
}
