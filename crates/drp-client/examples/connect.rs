//! Says who one is and whom one believes, each in its own way, and asks the server what it is.
//!
//! ```text
//! export RS_ENDPOINT=https://127.0.0.1:8092
//! cargo run -p drp-client --example connect -- settings                     as drpcli: RS_* and ~/.drpclirc
//! cargo run -p drp-client --example connect -- token TOKEN                  a token, as providers have it
//! cargo run -p drp-client --example connect -- password NAME PASSWORD       a user, whose token is kept fresh
//! cargo run -p drp-client --example connect -- pin SHA256 NAME PASSWORD     and one certificate, no other
//! ```
#![allow(clippy::print_stdout)]

use std::env;

use drp_client::{Client, Config, Credentials, TlsPolicy};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let endpoint = env::var("RS_ENDPOINT").unwrap_or_else(|_| "https://127.0.0.1:8092".to_owned());
    let user = |name: &str, password: &str| Credentials::UserPassword(name.to_owned(), password.into());
    let authority = env::var("RS_CA_FILE").ok().map(|path| TlsPolicy::CaFile(path.into()));

    let (credentials, tls) = match *args {
        [] | ["settings"] => return ask(Config::for_people()?).await,
        ["token", token] => (Credentials::Token(token.into()), authority),
        ["password", name, password] => (user(name, password), authority),
        ["pin", sha256, name, password] => (user(name, password), Some(TlsPolicy::Pinned(sha256.parse()?))),
        _ => return Err("see the comment at the top of this example".into()),
    };
    let mut config = Config::new(&endpoint, credentials);
    config.tls = tls.unwrap_or(TlsPolicy::SystemRoots);
    ask(config).await
}

async fn ask(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new(config)?;
    match client.info().await {
        Ok(info) => println!("{info:?}"),
        // The chain says what was done, what came of it, and mostly what to do about it.
        Err(error) if error.is_unauthenticated() => println!("who are you? {}", error.chain()),
        Err(error) => println!("{}", error.chain()),
    }
    Ok(())
}
