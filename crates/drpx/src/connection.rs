//! A client for the server that the command line names.

use drp_client::{Client, Config, Credentials, TlsPolicy};
use drp_core::chain;

use crate::{cli::ConnectionArgs, exit::Failure, show};

/// Makes the client; nothing is sent yet.
pub(crate) fn connect(args: &ConnectionArgs) -> Result<Client, Failure> {
    let credentials = match (&args.token, &args.user) {
        (Some(token), _) => Credentials::Token(token.as_str().into()),
        (None, Some(user)) => {
            let (name, password) = user.split_once(':').ok_or_else(|| Failure::usage("--user is NAME:PASSWORD"))?;
            Credentials::UserPassword(name.to_owned(), password.into())
        }
        (None, None) => {
            let hint = "give --user NAME:PASSWORD or --token, or set RS_KEY or RS_TOKEN";
            return Err(Failure::usage(format!("the server wants to know who you are: {hint}")));
        }
    };
    let mut config = Config::new(&args.endpoint, credentials);
    config.tls = match (&args.ca_file, args.accept_invalid_certs) {
        (Some(path), _) => TlsPolicy::CaFile(path.clone()),
        (None, true) => {
            show::warn("any certificate is believed: whoever sits in between can read and change everything");
            TlsPolicy::DangerAcceptInvalid
        }
        (None, false) => TlsPolicy::SystemRoots,
    };
    Client::new(config).map_err(|error| Failure::usage(chain(&error)))
}
