#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex};

use drp_plugin::Model;
use drp_test::{ActionError, TestHost};
use raw_peer::{Connection, Device, Identity, Request, reply};
use serde_json::{Value, json};

use super::*;

const PASSWORD: &str = "opensesame-bmc";
const SYSTEM: &str = "/redfish/v1/Systems/1";

/// A machine, as its BMC knows it.
struct Fake {
    power: &'static str,
    /// Looks for which it is on its way, after it was switched.
    is_slow: u32,
    boot: Value,
}

impl Fake {
    fn switch(&mut self, power: &'static str) {
        (self.power, self.is_slow) = (power, 1);
    }

    fn answer(&mut self, request: &Request, out: &mut dyn Connection) {
        // `root:opensesame-bmc`
        if request.header("authorization") != Some("Basic cm9vdDpvcGVuc2VzYW1lLWJtYw==") {
            return reply(out, 401, &[], format!("`{:?}` is nobody", request.header("authorization")));
        }
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/redfish/v1/Systems") => reply(out, 308, &[("Location", "/redfish/v1/Systems/")], ""),
            ("GET", "/redfish/v1/Systems/") => {
                reply(out, 200, &[], json!({"Members": [{"@odata.id": SYSTEM}]}).to_string());
            }
            ("GET", SYSTEM) => {
                let power = if self.is_slow > 0 { "PoweringOn" } else { self.power };
                self.is_slow = self.is_slow.saturating_sub(1);
                reply(out, 200, &[], json!({"Id": "1", "PowerState": power}).to_string());
            }
            ("PATCH", SYSTEM) => {
                self.boot = body["Boot"].clone();
                reply(out, 204, &[], "");
            }
            ("POST", "/redfish/v1/Systems/1/Actions/ComputerSystem.Reset") => {
                // As real ones do, it refuses what is so already.
                match (body["ResetType"].as_str().unwrap(), self.power) {
                    ("On", "Off") | ("ForceRestart", "On") => self.switch("On"),
                    ("ForceOff", "On") => self.switch("Off"),
                    (kind, power) => return reply(out, 409, &[], format!("{kind} while {power}")),
                }
                reply(out, 204, &[], "");
            }
            _ => reply(out, 404, &[], ""),
        }
    }
}

struct Site {
    fake: Arc<Mutex<Fake>>,
    device: Device,
    host: TestHost,
    machine: Machine,
}

impl Site {
    /// A machine that is off, its BMC, and the provider under a host.
    async fn start() -> Self {
        Self::with(|identity| format!("sha256:{}", identity.fingerprint)).await
    }

    async fn with(tls: impl Fn(&Identity) -> String) -> Self {
        let fake = Arc::new(Mutex::new(Fake { power: "Off", is_slow: 0, boot: Value::Null }));
        let identity = Identity::new();
        let answering = Arc::clone(&fake);
        let device = Device::https(&identity, move |request, out| answering.lock().unwrap().answer(request, out));
        let host = TestHost::start(provider()).await;
        host.configure(json!({"power-control/tls": tls(&identity)})).await.unwrap();
        let machine = host.machine("web1").await;
        host.set_param(&machine, "power-control/address", device.url().trim_start_matches("https://")).await;
        host.set_param(&machine, "power-control/user", "root").await;
        let site = Self { fake, device, host, machine };
        site.set_password(PASSWORD).await;
        site
    }

    /// Sealed, since the param is declared as secure.
    async fn set_password(&self, password: &str) {
        let params = self.host.client().objects::<Machine>().params(&self.machine.key());
        params.set_as_declared("power-control/password", &password).await.unwrap();
    }

    async fn act(&self, command: &str) -> Result<Value, ActionError> {
        self.host.act(command, &self.machine, json!({})).await
    }

    /// Does it twice: the second time it must do no harm.
    async fn becomes(&self, command: &str, power: &str) {
        for _ in 0..2 {
            assert_eq!(self.act(command).await.unwrap(), json!(power), "{command}");
            assert_eq!(self.act("powerstatus").await.unwrap(), json!(power), "after {command}");
        }
    }

    fn resets(&self) -> Vec<String> {
        let requests = self.device.requests().into_iter();
        requests.filter(|request| request.method == "POST").map(|request| request.body).collect()
    }
}

#[tokio::test]
async fn a_machine_goes_on_and_off_and_each_command_may_be_repeated() {
    let site = Site::start().await;
    assert_eq!(site.act("powerstatus").await.unwrap(), json!("off"));
    site.becomes("poweron", "on").await;
    site.becomes("poweroff", "off").await;
    site.becomes("powercycle", "on").await;
    let kinds = ["On", "ForceOff", "On", "ForceRestart"];
    assert_eq!(site.resets(), kinds.map(|kind| format!(r#"{{"ResetType":"{kind}"}}"#)));
    assert_eq!(site.host.stop().await.error, None);
}

#[tokio::test]
async fn the_next_boot_is_from_the_network_however_often_that_is_said() {
    let site = Site::start().await;
    for _ in 0..2 {
        assert_eq!(site.act("nextbootpxe").await.unwrap(), Value::Null);
        let expected = json!({"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Pxe"});
        assert_eq!(site.fake.lock().unwrap().boot, expected);
    }
    site.host.stop().await;
}

#[tokio::test]
async fn a_bmc_that_refuses_the_password_is_told_without_it() {
    let site = Site::start().await;
    site.set_password("wrong-password").await;
    let refused = site.act("poweron").await.unwrap_err();
    assert_eq!(refused.code, 502);
    let text = refused.to_string();
    assert!(text.contains("/redfish/v1/Systems: the server answered 401"), "{text}");
    // It is the base64 of user and password that the BMC has repeated.
    assert!(text.contains("Basic [secret]") && !text.contains("cm9vdDp3cm9uZy1wYXNzd29yZA=="), "{text}");
    site.host.stop().await;
}

#[tokio::test]
async fn a_bmc_that_nobody_believes_is_told_no_password() {
    let site = Site::with(|_| "system".to_owned()).await;
    let refused = site.act("poweron").await.unwrap_err();
    assert!(refused.code == 502 && refused.to_string().contains("pin it or name its CA file"), "{refused}");
    assert!(site.device.requests().is_empty());
    site.host.stop().await;
}

#[test]
fn the_definition_is_the_committed_one() {
    let mut now = serde_json::to_value(provider().definition().unwrap()).unwrap();
    let mut committed: Value = serde_json::from_str(include_str!("../define.json")).unwrap();
    let again = "if it is meant to be: cargo run -p power-control define > examples/power-control/define.json";
    let content = |definition: &mut Value| -> Value {
        serde_json::from_str(definition["Content"].take().as_str().unwrap()).unwrap()
    };
    assert_eq!(content(&mut now), content(&mut committed), "{again}");
    assert_eq!(now, committed, "{again}");
}
