//! `drpx content bundle`: one file of a directory.

use std::path::PathBuf;

use clap::Args;
use drp_content::Bundle;
use drp_core::{Raw, chain};

use crate::{
    exit::{Exit, Failure},
    show,
};

/// Make one file of a bundle's directory.
#[derive(Debug, Args)]
pub(crate) struct BundleArgs {
    /// The directory: its sub-directories are the object types, `._Name.meta` and the like the metadata.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

pub(crate) fn bundle(args: &BundleArgs) -> Result<Exit, Failure> {
    let bundle = Bundle::from_directory(&args.directory, key_field).map_err(|error| Failure::new(chain(&error)))?;
    show::result(&Raw::new(&bundle).map_err(|error| Failure::new(chain(&error)))?);
    Ok(Exit::Well)
}

/// The key of an object's key in its section.
fn key_field(section: &str) -> &'static str {
    match section {
        "templates" => "ID",
        "jobs" | "machines" => "Uuid",
        "leases" | "reservations" => "Addr",
        "contexts" | "endpoints" | "pools" | "version_sets" => "Id",
        "bootenvs" | "params" | "plugins" | "profiles" | "roles" | "stages" | "subnets" | "tasks" | "tenants"
        | "users" | "workflows" => "Name",
        _ => "Id",
    }
}
