//! `drpx conformance --host`: whether a server keeps the contract.

use std::{env, fs, path::PathBuf, time::Duration};

use clap::Args;
use drp_conformance::{Expected, HostSuite, Trust};
use drp_core::chain;

use super::{ConformanceArgs, only_of, progress, show_report};
use crate::{
    exit::{Exit, Failure},
    show,
    signals::Signals,
};

/// The variable with the password, where --user has none.
const PASSWORD_VARIABLE: &str = "RS_PASSWORD";

#[derive(Debug, Args)]
pub(super) struct HostArgs {
    /// Judge the server at this URL, such as https://10.0.0.5:8092, instead of a provider.
    #[arg(long, value_name = "URL", requires = "yes_change_data")]
    pub(super) host: Option<String>,
    /// The administrator. Without a password here, where other users of the machine can see it, RS_PASSWORD has it.
    #[arg(
        long,
        value_name = "NAME[:PASSWORD]",
        default_value = "rocketskates",
        hide_default_value = true,
        requires = "host"
    )]
    user: String,
    /// Believe the server if its certificate is in, or signed by one in, this PEM file.
    #[arg(long, env = "RS_CA_FILE", value_name = "FILE", conflicts_with = "accept_invalid_certs")]
    ca_file: Option<PathBuf>,
    /// Believe any certificate. Whoever sits in between can then read and change everything.
    #[arg(long, requires = "host")]
    accept_invalid_certs: bool,
    /// Agree that objects, users, content, files and providers are made on the server, and removed again.
    #[arg(long, requires = "host")]
    yes_change_data: bool,
    /// Upload this executable, which has to do what drpx does as a provider; if not said, drpx itself.
    #[arg(long = "provider", value_name = "PATH", requires = "host")]
    upload: Option<PathBuf>,
}

pub(super) async fn conformance(
    url: &str,
    args: &ConformanceArgs,
    expected: &Expected,
    signals: &mut Signals,
) -> Result<Exit, Failure> {
    only_of(args, true)?;
    let suite = suite(url, args)?;
    let run = suite.start().map_err(|error| Failure::usage(chain(&error)))?;
    let judged = tokio::select! {
        report = run.run(progress) => Ok(report),
        exit = signals.next() => Err(if exit == Exit::Well { Exit::Interrupted } else { exit }),
    };
    tokio::select! {
        left = run.clean_up() => for left in left {
            show::warn(&format!("this could not be removed from the server: {left}"));
        },
        _ = signals.next() => {
            show::warn("what the suite made is still on the server: names that begin with `conformance-`");
        }
    }
    match judged {
        Ok(report) => show_report(args, &report, expected),
        Err(exit) => Ok(exit),
    }
}

fn suite(url: &str, args: &ConformanceArgs) -> Result<HostSuite, Failure> {
    let host = &args.host;
    let (user, password) = match host.user.split_once(':') {
        Some((user, password)) => (user, password.to_owned()),
        None => (host.user.as_str(), password()?),
    };
    show::hide(vec![password.clone()]);
    let mut suite = HostSuite::new(url, user, password);
    suite.trust = match &host.ca_file {
        _ if host.accept_invalid_certs => {
            show::warn("any certificate is believed: whoever sits in between can read and change everything");
            Trust::Anyone
        }
        Some(path) => Trust::Pem(
            fs::read(path).map_err(|error| Failure::usage(format!("cannot read `{}`: {error}", path.display())))?,
        ),
        None => Trust::System,
    };
    let own = || env::current_exe().map_err(|error| Failure::new(format!("cannot find drpx itself: {error}")));
    suite.provider = Some(host.upload.clone().map_or_else(own, Ok)?);
    suite.only = args.only.iter().copied().collect();
    suite.patience = Duration::from_secs(args.patience);
    Ok(suite)
}

fn password() -> Result<String, Failure> {
    let missing = |_| Failure::usage(format!("set {PASSWORD_VARIABLE} to the password, or give --user NAME:PASSWORD"));
    env::var(PASSWORD_VARIABLE).map_err(missing)
}
