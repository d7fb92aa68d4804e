//! A client for the server that the command line, the environment or `~/.drpclirc` names.

use drp_client::{Client, Config, Credentials, PeopleSettings, Request, TlsPolicy};
use drp_core::{chain, limits};

use crate::{cli::ConnectionArgs, exit::Failure, show};

/// Makes the client. Nothing is sent yet, unless there are several servers to choose from.
pub(crate) async fn connect(args: &ConnectionArgs) -> Result<Client, Failure> {
    let settings = PeopleSettings::load().map_err(|error| Failure::usage(chain(&error)))?;
    for warning in &settings.warnings {
        show::warn(warning);
    }
    let mut servers = Vec::new();
    for config in configs(settings, args)? {
        let endpoint = config.endpoint.clone();
        let client = Client::new(config).map_err(|error| Failure::usage(chain(&error)))?;
        servers.push((endpoint, client));
    }
    match servers.len() {
        1 => servers.pop().map(|(_, client)| client).ok_or_else(|| Failure::usage("no server is named")),
        _ => first_that_works(servers).await,
    }
}

/// What to try, in order: the command line wins over all settings.
fn configs(mut settings: PeopleSettings, args: &ConnectionArgs) -> Result<Vec<Config>, Failure> {
    if let Some(endpoint) = &args.endpoint {
        settings.endpoints = vec![endpoint.clone()];
    }
    if let Some(id) = &args.url_proxy {
        settings.url_proxy = Some(id.clone()).filter(|id| !id.is_empty());
    }
    match (&args.token, &args.user) {
        (Some(token), _) => settings.credentials = Some(Credentials::Token(token.as_str().into())),
        (None, Some(user)) => {
            let (name, password) = user.split_once(':').ok_or_else(|| Failure::usage("--user is NAME:PASSWORD"))?;
            settings.credentials = Some(Credentials::UserPassword(name.to_owned(), password.into()));
        }
        (None, None) => {}
    }
    let mut configs = settings.configs().map_err(|_| {
        let hint = "give --user NAME:PASSWORD or --token, set RS_KEY or RS_TOKEN, or put one of these into ~/.drpclirc";
        Failure::usage(format!("the server wants to know who you are: {hint}"))
    })?;
    if let Some(policy) = tls(args) {
        for config in &mut configs {
            config.tls = policy.clone();
        }
    }
    Ok(configs)
}

/// Whom to believe, if the command line says so.
fn tls(args: &ConnectionArgs) -> Option<TlsPolicy> {
    if args.accept_invalid_certs {
        show::warn("any certificate is believed: whoever sits in between can read and change everything");
        return Some(TlsPolicy::DangerAcceptInvalid);
    }
    let pinned = args.pin.map(TlsPolicy::Pinned);
    pinned.or_else(|| args.ca_file.clone().map(TlsPolicy::CaFile))
}

async fn first_that_works(servers: Vec<(String, Client)>) -> Result<Client, Failure> {
    let count = servers.len();
    for (endpoint, client) in servers {
        let request = Request::info().map_err(|error| Failure::usage(chain(&error)))?;
        match client.with_request_time(limits::ENDPOINT_PROBE_TIME).send_only(request).await {
            Ok(()) => return Ok(client),
            Err(error) => show::warn(&format!("{endpoint} is passed over: {}", error.chain())),
        }
    }
    Err(Failure::new(format!("none of {count} servers works")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> PeopleSettings {
        let mut settings = PeopleSettings::default();
        settings.endpoints = vec!["https://a:1".to_owned(), "https://b:1".to_owned()];
        settings.credentials = Some(Credentials::Token("t".into()));
        settings.ca_file = Some("/ca.pem".into());
        settings.url_proxy = Some("site".to_owned());
        settings
    }

    #[test]
    fn the_command_line_wins_over_all_settings() {
        let all = configs(settings(), &ConnectionArgs::default()).unwrap();
        assert_eq!(all.len(), 2);
        assert!(all.iter().all(|config| matches!(config.tls, TlsPolicy::CaFile(_)) && config.url_proxy.is_some()));

        let args = ConnectionArgs {
            endpoint: Some("https://c:1".to_owned()),
            user: Some("bob:p:w".to_owned()),
            url_proxy: Some(String::new()),
            pin: Some("ab".repeat(32).parse().unwrap()),
            ..ConnectionArgs::default()
        };
        let [config] = &*configs(settings(), &args).unwrap() else { panic!("one server") };
        assert_eq!((config.endpoint.as_str(), &config.url_proxy), ("https://c:1", &None));
        assert!(matches!(config.tls, TlsPolicy::Pinned(_)));
        let Credentials::UserPassword(name, password) = &config.credentials else { panic!("{config:?}") };
        assert_eq!((name.as_str(), password.expose()), ("bob", "p:w"));
    }

    #[test]
    fn nobody_is_guessed() {
        assert!(configs(PeopleSettings::default(), &ConnectionArgs::default()).is_err());
        let args = ConnectionArgs { user: Some("bob".to_owned()), ..ConnectionArgs::default() };
        assert!(configs(settings(), &args).is_err());
    }
}
