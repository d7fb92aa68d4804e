//! `drpx serve`: the server alone, for as long as somebody wants it.

mod file;
mod log;
mod password;
mod settings;

use drp_host::{Admin, CertificateReload, ContentChange, Host, HostConfig, Reloaded, Starting, TlsFiles};
use sd_notify::NotifyState;
use tracing_subscriber::layer::SubscriberExt;

pub(crate) use self::settings::{LogFormat, LogLevel};
use self::{
    log::{Output, Traces},
    settings::Settings,
};
use crate::{
    cli::ServeArgs,
    descriptors,
    exit::{Exit, Failure},
    show,
    signals::{Hangups, Signals},
};

/// Where systemd listens; what plugins say there would be taken for the server's.
const NOTIFY_SOCKET_ENV: &str = "NOTIFY_SOCKET";

pub(crate) async fn serve(args: ServeArgs) -> Result<Exit, Failure> {
    let mut format = args.log_format.unwrap_or_default();
    let ended = async {
        let settings = settings(args)?;
        format = settings.log_format;
        run(settings).await
    };
    match ended.await {
        // Whoever reads JSON reads this too.
        Err(failure) if format == LogFormat::Json => {
            log::write_failure(&failure);
            Ok(failure.exit)
        }
        ended => ended,
    }
}

async fn run(settings: Settings) -> Result<Exit, Failure> {
    descriptors::raise_limit();
    let (mut signals, mut hangups) = (Signals::new()?, Hangups::new()?);
    let output = Output::start(settings.log_format, settings.log_level.lowest())?;
    // Where the process has a subscriber already, it keeps it.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Traces(output.clone())));
    let config = config(settings)?;
    let mut lines = None;
    let watch = |starting: Starting| {
        if let Some(password) = starting.new_admin_password {
            output.step("user", format!("{} with password {password} (shown this once)", starting.admin));
        }
        lines = Some(tokio::spawn(output.clone().follow(starting.log)));
    };
    let started = tokio::select! {
        started = Host::start_watched(config, watch) => started,
        exit = signals.next() => {
            output.finish(None).await;
            return Ok(exit);
        }
    };
    let host = match started {
        Ok(host) => host,
        Err(error) => {
            // A host that is gone has ended its log; what it said explains the end.
            output.finish(lines).await;
            return Err(error.into());
        }
    };
    introduce(&host, &output);
    notify(&[NotifyState::Ready]);
    loop {
        tokio::select! {
            _ = signals.next() => break,
            () = hangups.next() => {}
        }
        tokio::select! {
            () = reload(&host, &output) => {}
            _ = signals.next() => break,
        }
    }
    notify(&[NotifyState::Stopping]);
    output.step("stopping", "again to end at once");
    let exit = tokio::select! {
        () = host.stop() => Exit::Well,
        _ = signals.next() => Exit::Interrupted,
    };
    if exit == Exit::Well {
        output.finish(lines).await;
    }
    Ok(exit)
}

/// Says where the server is and how to get in.
fn introduce(host: &Host, output: &Output) {
    output.step("serving", format!("{}/api/v3", host.endpoint()));
    output.step("certificate", format!("verified by {}", host.ca_file().display()));
    if let Some(address) = host.metrics_address() {
        output.step("metrics", format!("http://{address}/metrics"));
    }
}

async fn reload(host: &Host, output: &Output) {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        notify(&[NotifyState::Reloading, now]);
    }
    let reloaded = host.reload().await;
    output.step("reloaded", summary(&reloaded));
    notify(&[NotifyState::Ready]);
}

/// A reload in one line; the log has said the rest.
fn summary(reloaded: &Reloaded) -> String {
    let certificate = match &reloaded.certificate {
        CertificateReload::Unchanged => "certificate unchanged",
        CertificateReload::Replaced(_) => "certificate replaced",
        _ => "certificate refused",
    };
    let count = |is: fn(&ContentChange) -> bool| reloaded.content.iter().filter(|content| is(&content.change)).count();
    let refused = count(|change| matches!(change, ContentChange::Refused(_)));
    let unchanged = count(|change| matches!(change, ContentChange::Unchanged));
    let changed = reloaded.content.len() - refused - unchanged;
    format!("{certificate}; content: {changed} changed, {unchanged} unchanged, {refused} refused")
}

/// Tells systemd, if it started the command.
fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}

/// What the file and then the command line say.
fn settings(args: ServeArgs) -> Result<Settings, Failure> {
    let mut settings = Settings::default();
    if let Some(path) = &args.config {
        file::read(path, &mut settings).map_err(|problems| Failure::usage(problems.to_string()))?;
    }
    if let Some(user) = &args.user {
        settings.admin = Some(parse_user(user)?);
    }
    let host = &mut settings.host;
    host.listen = args.listen.unwrap_or(host.listen);
    host.static_listen = args.static_listen.or(host.static_listen);
    host.metrics_listen = args.metrics_listen.or(host.metrics_listen);
    host.plugins = args.plugins.or(host.plugins.take());
    host.content = args.content.or(host.content.take());
    settings.data = args.data.or(settings.data);
    settings.tls_cert = args.tls_cert.or(settings.tls_cert);
    settings.tls_key = args.tls_key.or(settings.tls_key);
    settings.log_format = args.log_format.unwrap_or(settings.log_format);
    settings.log_level = args.log_level.unwrap_or(settings.log_level);
    Ok(settings)
}

/// What the host is to run with.
///
/// # Errors
/// All that does not fit together.
fn config(settings: Settings) -> Result<HostConfig, Failure> {
    let mut problems = Vec::new();
    let mut config = settings.host;
    match settings.data {
        Some(data) => config.data = data,
        None => problems.push("there is no data directory: give --data or set `data`".to_owned()),
    }
    match (settings.tls_cert, settings.tls_key) {
        (Some(certificate), Some(key)) => config.tls = Some(TlsFiles { certificate, key }),
        (None, None) => {}
        _ => problems.push("a certificate needs its key: give both --tls-cert and --tls-key".to_owned()),
    }
    config.withheld_env.push(NOTIFY_SOCKET_ENV.to_owned());
    config.admin = settings.admin;
    match (config.admin.is_none(), settings.admin_password) {
        (true, Some(reference)) => match password::resolve(&reference) {
            Ok(password) => {
                config.withheld_env.extend(reference.strip_prefix("env:").map(str::to_owned));
                let name = settings.admin_name.unwrap_or_else(|| Admin::DEFAULT_NAME.to_owned());
                config.admin = Some(Admin { name, password });
            }
            Err(problem) => problems.push(format!("admin.password: {problem}")),
        },
        (true, None) if settings.admin_name.is_some() => {
            problems.push("admin.name needs admin.password".to_owned());
        }
        _ => {}
    }
    if config.times.restart_wait_min > config.times.restart_wait_max {
        problems.push("times.restart_wait_min is more than times.restart_wait_max".to_owned());
    }
    // Whoever repeats it, a password of the operator's is shown nowhere.
    show::hide(config.admin.iter().map(|admin| admin.password.clone()).collect());
    if problems.is_empty() { Ok(config) } else { Err(Failure::usage(problems.join("\n"))) }
}

fn parse_user(text: &str) -> Result<Admin, Failure> {
    match text.split_once(':') {
        Some((name, password)) if !name.is_empty() && !password.is_empty() => {
            Ok(Admin { name: name.to_owned(), password: password.to_owned() })
        }
        _ => Err(Failure::usage("--user is NAME:PASSWORD, both not empty")),
    }
}
