//! `drpx action`: one action on a running server.

use drp_client::{Client, ClientError, Request};
use drp_core::{Machine, Model, Raw, chain, contract};

use crate::{
    cli::ActionArgs,
    connection::connect,
    exit::{Exit, Failure},
    param, show,
};

pub(crate) async fn action(args: ActionArgs) -> Result<Exit, Failure> {
    let params = param::parse_items(&args.params)?;
    let client = connect(&args.connection).await?;
    let request = if args.object == contract::SYSTEM {
        Request::run_system_action(&args.command, &params)
    } else {
        let (prefix, key) = args
            .object
            .split_once('/')
            .ok_or_else(|| Failure::usage(format!("`{}` is neither TYPE/KEY nor `system`", args.object)))?;
        Request::run_action(prefix, &find_key(prefix, key), &args.command, &params)
    };
    let mut request = request.map_err(|error| Failure::usage(chain(&error)))?;
    if let Some(plugin) = &args.plugin {
        request = request.query("plugin", plugin);
    }
    let result = send(&client, request).await.map_err(|error| Failure::new(error.chain()))?;
    show::result(&result);
    Ok(Exit::Well)
}

/// An action may take hours, so it has no time limit of its own: Ctrl-C ends the wait.
async fn send(client: &Client, request: Request) -> Result<Raw, ClientError> {
    /// As good as for ever.
    const A_WEEK: std::time::Duration = std::time::Duration::from_secs(7 * 24 * 3600);
    client.with_request_time(A_WEEK).send(request).await
}

/// Machines go by their name, though their key is a UUID.
fn find_key(prefix: &str, key: &str) -> String {
    let is_plain_name = prefix == Machine::PREFIX && !key.contains(':') && key.parse::<drp_core::Uuid>().is_err();
    if is_plain_name { format!("Name:{key}") } else { key.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_found_by_name_or_key() {
        let check = |prefix: &str, key: &str, expected: &str| assert_eq!(find_key(prefix, key), expected);
        check("machines", "demo", "Name:demo");
        check("machines", "Name:demo", "Name:demo");
        check("machines", "87a74f0e-d168-4687-99e8-8fd3a7ed551b", "87a74f0e-d168-4687-99e8-8fd3a7ed551b");
        check("plugins", "demo", "demo");
    }
}
