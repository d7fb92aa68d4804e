//! Stands in for the API of a cloud: it is busy at first, and its machines take a moment to run.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

use drp_plugin::{Error, Result};

/// It is far away, so that it outlives every configuration.
static CLOUD: LazyLock<Mutex<Cloud>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Cloud {
    instances: BTreeMap<String, Instance>,
    is_warm: bool,
}

#[derive(Default)]
struct Instance {
    size: u32,
    looks: u32,
}

fn cloud() -> MutexGuard<'static, Cloud> {
    CLOUD.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) async fn create(name: &str, size: u32) -> Result<()> {
    let mut cloud = cloud();
    if !cloud.is_warm {
        cloud.is_warm = true;
        return Err(Error::new(503, "the cloud is busy"));
    }
    if cloud.instances.contains_key(name) {
        return Err(Error::new(409, format!("there is an instance {name}")));
    }
    cloud.instances.insert(name.to_owned(), Instance { size, looks: 0 });
    Ok(())
}

/// The address, as soon as it runs. Those called `lemon` never do.
pub(crate) async fn address(name: &str) -> Result<Option<IpAddr>> {
    let mut cloud = cloud();
    let instance = cloud.instances.get_mut(name).ok_or_else(|| missing(name))?;
    instance.looks += 1;
    Ok((instance.looks > 1 && !name.starts_with("lemon")).then(|| Ipv4Addr::new(10, 0, 0, 7).into()))
}

pub(crate) async fn resize(name: &str, size: u32) -> Result<()> {
    cloud().instances.get_mut(name).ok_or_else(|| missing(name))?.size = size;
    Ok(())
}

/// Deletes it, if it is there.
pub(crate) async fn delete(name: &str) -> Result<bool> {
    Ok(cloud().instances.remove(name).is_some())
}

/// Names and sizes.
pub(crate) async fn list() -> Result<BTreeMap<String, u32>> {
    Ok(cloud().instances.iter().map(|(name, instance)| (name.clone(), instance.size)).collect())
}

fn missing(name: &str) -> Error {
    Error::new(404, format!("there is no instance {name}"))
}
