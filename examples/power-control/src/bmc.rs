//! What is asked of a BMC.

use std::time::Duration;

use drp_plugin::{Error, HttpClient, Result, Secure, TlsTrust, wait_until};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Time that a machine has to go on or off.
const SWITCH_TIME: Duration = Duration::from_secs(60);
/// Time between two looks at it.
const LOOK_TIME: Duration = Duration::from_millis(500);

/// Where the BMC of a machine is, and who speaks to it.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Login {
    /// Address of the machine's BMC: `HOST` or `HOST:PORT`.
    #[serde(rename = "power-control/address")]
    address: String,
    /// User of the BMC.
    #[serde(rename = "power-control/user")]
    user: String,
    /// Password of that user.
    #[serde(rename = "power-control/password")]
    password: Secure<String>,
}

/// Whether a machine is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all(serialize = "lowercase"))]
pub(crate) enum Power {
    On,
    Off,
    /// On its way to one of them.
    #[serde(other)]
    Changing,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Systems {
    members: Vec<Link>,
}

#[derive(Deserialize)]
struct Link {
    #[serde(rename = "@odata.id")]
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct System {
    power_state: Power,
}

/// The BMC of one machine.
pub(crate) struct Bmc {
    http: HttpClient,
    /// Link to the machine.
    system: String,
}

impl Bmc {
    pub(crate) async fn connect(login: Login, tls: &TlsTrust) -> Result<Self> {
        let base = format!("https://{}/redfish/v1", login.address);
        let http = HttpClient::builder(&base).basic(login.user, login.password).tls(tls.clone()).build();
        let http = http.map_err(|error| error.context("power-control/address"))?;
        let systems: Systems = http.get("Systems").send().await?.json()?;
        let system = systems.members.into_iter().next().ok_or_else(|| Error::new(502, "the BMC knows no machine"))?;
        Ok(Self { http, system: system.id })
    }

    pub(crate) async fn power(&self) -> Result<Power> {
        Ok(self.http.get(&self.system).send().await?.json::<System>()?.power_state)
    }

    pub(crate) async fn reset(&self, kind: &str) -> Result<()> {
        let reset = self.http.post(&self.system).part("Actions").part("ComputerSystem.Reset");
        reset.json(&json!({"ResetType": kind})).send().await?;
        Ok(())
    }

    pub(crate) async fn wait_for(&self, wanted: Power) -> Result<Power> {
        wait_until(SWITCH_TIME, LOOK_TIME, || async {
            let power = self.power().await?;
            Ok((power == wanted).then_some(power))
        })
        .await
        .map_err(|error| error.context(format!("the machine is asked to be {wanted:?}")))
    }

    pub(crate) async fn boot_once_from(&self, target: &str) -> Result<()> {
        let boot = json!({"Boot": {"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": target}});
        self.http.patch(&self.system).json(&boot).idempotent().send().await?;
        Ok(())
    }
}
