//! Power control: switches machines on and off through their management controllers (BMCs), which speak Redfish.
//! It shows how to talk to a device: `HttpClient`, `wait_until`, and actions that do no harm when they are repeated.

mod bmc;

use std::{process::ExitCode, time::Duration};

use drp_plugin::{Action, Context, Machine, Provider, Result, TlsTrust};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::bmc::{Bmc, Login, Power};

/// Time for one action, waiting for the machine included.
const ACTION_TIME: Duration = Duration::from_secs(120);

#[derive(Deserialize, JsonSchema)]
struct Config {
    /// Whose certificates are believed of BMCs: `system`, the path of a PEM file with their authority, `sha256:` and
    /// the fingerprint of the one that they share, or `danger-accept-invalid`.
    #[serde(rename = "power-control/tls", default)]
    tls: TlsTrust,
}

/// Switches the machine on; one that is on stays so.
async fn power_on(context: Context<Config>, _machine: Machine, login: Login) -> Result<Power> {
    let bmc = Bmc::connect(login, &context.state().tls).await?;
    if bmc.power().await? != Power::On {
        bmc.reset("On").await?;
    }
    bmc.wait_for(Power::On).await
}

/// Switches the machine off at once; one that is off stays so.
async fn power_off(context: Context<Config>, _machine: Machine, login: Login) -> Result<Power> {
    let bmc = Bmc::connect(login, &context.state().tls).await?;
    if bmc.power().await? != Power::Off {
        bmc.reset("ForceOff").await?;
    }
    bmc.wait_for(Power::Off).await
}

/// Starts the machine anew; one that is off is switched on.
async fn power_cycle(context: Context<Config>, _machine: Machine, login: Login) -> Result<Power> {
    let bmc = Bmc::connect(login, &context.state().tls).await?;
    let how = if bmc.power().await? == Power::Off { "On" } else { "ForceRestart" };
    bmc.reset(how).await?;
    bmc.wait_for(Power::On).await
}

/// Says whether the machine is on.
async fn power_status(context: Context<Config>, _machine: Machine, login: Login) -> Result<Power> {
    Bmc::connect(login, &context.state().tls).await?.power().await
}

/// Has the machine boot from the network the next time, and only then.
async fn next_boot_pxe(context: Context<Config>, _machine: Machine, login: Login) -> Result<()> {
    Bmc::connect(login, &context.state().tls).await?.boot_once_from("Pxe").await
}

fn provider() -> Provider<Config> {
    Provider::new("power-control", concat!("v", env!("CARGO_PKG_VERSION")))
        .about("Controls the power of machines through their Redfish controllers")
        .configure(async |_: Context<()>, config: Config| Ok(config))
        .action_time(ACTION_TIME)
        .add_action(Action::new("poweron", power_on).one_at_a_time())
        .add_action(Action::new("poweroff", power_off).one_at_a_time())
        .add_action(Action::new("powercycle", power_cycle).one_at_a_time())
        .action("powerstatus", power_status)
        .action("nextbootpxe", next_boot_pxe)
}

fn main() -> ExitCode {
    provider().run()
}

#[cfg(test)]
mod tests;
