//! `drpx serve`: the server alone.

use drp_host::{Admin, Host, HostConfig};

use crate::{
    cli::ServeArgs,
    exit::{Exit, Failure},
    show,
    signals::Signals,
};

pub(crate) async fn serve(args: ServeArgs) -> Result<Exit, Failure> {
    let mut signals = Signals::new()?;
    let config = HostConfig {
        data: args.data,
        listen: args.listen,
        static_listen: args.static_listen,
        plugins: args.plugins,
        admin: args.user.as_deref().map(parse_user).transpose()?,
        ..HostConfig::default()
    };
    let host = Host::start(config).await?;
    let lines = tokio::spawn(print_log(host.log_lines()));
    show::progress("serving", &format!("{}/api/v3", host.endpoint()));
    show::progress("certificate", &format!("signed by {}", host.ca_file().display()));
    if let Some(password) = host.new_admin_password() {
        show::progress("user", &format!("{} with password {password} (shown this once)", host.admin()));
    }
    signals.next().await;
    show::progress("stopping", "again to end at once");
    let exit = tokio::select! {
        () = host.stop() => Exit::Well,
        _ = signals.next() => Exit::Interrupted,
    };
    lines.abort();
    Ok(exit)
}

async fn print_log(mut lines: drp_host::LogLines) {
    while let Some(line) = lines.next().await {
        show::log_line(&line);
    }
}

fn parse_user(text: &str) -> Result<Admin, Failure> {
    match text.split_once(':') {
        Some((name, password)) if !name.is_empty() && !password.is_empty() => {
            Ok(Admin { name: name.to_owned(), password: password.to_owned() })
        }
        _ => Err(Failure::usage("--user is NAME:PASSWORD, both not empty")),
    }
}
