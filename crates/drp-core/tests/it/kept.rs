//! Whether a type keeps all of what it has read.

use drp_core::{
    BootEnv, CatalogItem, Context, Endpoint, Interface, Job, Lease, Machine, Param, Plugin, PluginProvider, Pool, Pref,
    Profile, RawModel, Reservation, Role, Stage, Subnet, Task, Template, Tenant, User, VersionSet, Workflow,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Reads `text` as a `T` and writes it back: every key that came must be there again with the same value. Keys may be
/// new, because a recorded server may not know all of them.
pub(crate) fn assert_kept<T: DeserializeOwned + Serialize>(text: &str, whence: &str) {
    let object: T = serde_json::from_str(text).unwrap_or_else(|error| panic!("{whence}: {error} in {text}"));
    let written = serde_json::to_value(object).unwrap();
    if let Err(lost) = keeps(&serde_json::from_str(text).unwrap(), &written) {
        panic!("{whence}: lost{lost}");
    }
}

fn keeps(came: &Value, written: &Value) -> Result<(), String> {
    let within = |name: &str, came, written| keeps(came, written).map_err(|path| format!("/{name}{path}"));
    match (came, written) {
        (Value::Object(came), Value::Object(written)) => came.iter().try_for_each(|(key, value)| {
            // A key in other letter case is written in the wire's.
            let mut same = written.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key));
            let found = written.get(key).or_else(|| same.next().map(|(_, value)| value));
            within(key, value, found.ok_or_else(|| format!("/{key}"))?)
        }),
        (Value::Array(came), Value::Array(written)) if came.len() == written.len() => came
            .iter()
            .zip(written)
            .enumerate()
            .try_for_each(|(i, (came, written))| within(&i.to_string(), came, written)),
        _ if came == written => Ok(()),
        _ => Err(format!(": {came} became {written}")),
    }
}

/// [`assert_kept`] with the model of a prefix; custom types have none.
pub(crate) fn assert_object_kept(prefix: &str, text: &str, whence: &str) {
    let assert = match prefix {
        "bootenvs" => assert_kept::<BootEnv>,
        "catalog_items" => assert_kept::<CatalogItem>,
        "contexts" => assert_kept::<Context>,
        "endpoints" => assert_kept::<Endpoint>,
        "interfaces" => assert_kept::<Interface>,
        "jobs" => assert_kept::<Job>,
        "leases" => assert_kept::<Lease>,
        "machines" => assert_kept::<Machine>,
        "params" => assert_kept::<Param>,
        "plugin_providers" => assert_kept::<PluginProvider>,
        "plugins" => assert_kept::<Plugin>,
        "pools" => assert_kept::<Pool>,
        "preferences" => assert_kept::<Pref>,
        "profiles" => assert_kept::<Profile>,
        "reservations" => assert_kept::<Reservation>,
        "roles" => assert_kept::<Role>,
        "stages" => assert_kept::<Stage>,
        "subnets" => assert_kept::<Subnet>,
        "tasks" => assert_kept::<Task>,
        "templates" => assert_kept::<Template>,
        "tenants" => assert_kept::<Tenant>,
        "users" => assert_kept::<User>,
        "version_sets" => assert_kept::<VersionSet>,
        "workflows" => assert_kept::<Workflow>,
        _ => assert_kept::<RawModel>,
    };
    assert(text, whence);
}
