//! Objects of the provider's own: a type is a struct and a name. The server keeps them, checks them, finds them by their
//! fields, and tells every change; the provider reads and writes them typed.

use std::process::ExitCode;

use drp_plugin::{
    Context, Error, Event, Filter, Machine, NoParams, ObjectType, On, Provider, Query, Result, Selector, Stored, System,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A power distribution unit. The fields are what is its own: a key, params and a description has every object.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", default)]
struct Unit {
    row: String,
    outlets: u8,
    /// Names of the machines that have an outlet.
    machines: Vec<String>,
    location: Option<String>,
}

impl ObjectType for Unit {
    const NAME: &'static str = "pdu-units";
}

#[derive(Deserialize, JsonSchema)]
struct Install {
    /// Key of the unit.
    #[serde(rename = "collections/unit")]
    unit: String,
    /// The row it stands in.
    #[serde(rename = "collections/row")]
    row: String,
    /// Outlets it has.
    #[serde(rename = "collections/outlets", default = "eight")]
    #[schemars(range(min = 1, max = 64))]
    outlets: u8,
}

fn eight() -> u8 {
    8
}

async fn install(context: Context<()>, _system: System, params: Install) -> Result<()> {
    let Install { unit, row, outlets } = params;
    let unit = Stored::new(unit, Unit { row, outlets, ..Unit::default() });
    context.collection::<Unit>().create(&unit).await?;
    Ok(())
}

#[derive(Deserialize, JsonSchema)]
struct Row {
    /// The row it stands in.
    #[serde(rename = "collections/row")]
    row: String,
}

/// Gives the machine an outlet of the first unit in the row that has one. Two machines never get the same one: a unit
/// that somebody else has changed meanwhile is read and changed again.
async fn plug(context: Context<()>, machine: Machine, params: Row) -> Result<String> {
    let units = context.collection::<Unit>();
    for unit in units.list(&Query::new().filter("Row", Filter::eq(&params.row))).await? {
        let mut is_plugged = false;
        let take = |unit: &mut Stored<Unit>| {
            is_plugged = unit.machines.len() < usize::from(unit.outlets);
            if is_plugged {
                unit.machines.push(machine.name.clone());
            }
        };
        let unit = units.update(&unit.id, take).await?;
        if is_plugged {
            return Ok(unit.id);
        }
    }
    Err(Error::new(409, format!("no unit of row {} has an outlet to spare", params.row)))
}

/// An action on an object of the provider's own.
async fn remove(context: Context<()>, unit: Stored<Unit>, _params: NoParams) -> Result<()> {
    if !unit.machines.is_empty() {
        return Err(Error::new(409, format!("{} are still plugged into it", unit.machines.join(", "))));
    }
    context.collection::<Unit>().delete(&unit.id).await?;
    Ok(())
}

async fn changed(_context: Context<()>, event: Event) -> Result<()> {
    let unit: Stored<Unit> = event.object_as()?;
    let before: Option<Stored<Unit>> = event.original_as()?;
    let used = before.map_or(0, |before| before.machines.len());
    tracing::info!("unit {} had {used} machines and has {} of {}", unit.id, unit.machines.len(), unit.outlets);
    Ok(())
}

fn provider() -> Provider {
    let updates = On::select(Selector::of(&[Unit::NAME], &["update"], &[]));
    Provider::new("collections", "v1.0.0")
        .about("Shows objects of a type of the provider's own")
        .object_type::<Unit>()
        .action("install", install)
        .action("plug", plug)
        .action("remove", remove)
        .event(updates.when(|event| event.changed("Machines")), changed)
}

fn main() -> ExitCode {
    provider().run()
}
