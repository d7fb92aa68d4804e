//! stand-in
#![allow(missing_docs, clippy::unused_async, missing_debug_implementations)]
use drp_core::{Event, Model, Raw, Selector};
#[derive(Clone)]
pub struct Client;
pub struct Config;
#[derive(Debug)]
pub struct ClientError;
impl std::fmt::Display for ClientError {
    fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}
impl std::error::Error for ClientError {}
impl ClientError {
    pub fn status(&self) -> Option<u16> {
        None
    }
}
impl Config {
    pub fn from_env() -> Result<Self, ClientError> {
        Ok(Self)
    }
}
impl Client {
    pub fn new(_: Config) -> Result<Self, ClientError> {
        Ok(Self)
    }
    pub async fn events(&self, _: Vec<Selector>) -> Result<EventStream, ClientError> {
        Err(ClientError)
    }
    pub fn params<M: Model>(&self, _k: &str) -> P {
        P
    }
}
pub struct P;
impl P {
    pub async fn set(&self, _n: &str, _v: &Raw) -> Result<(), ClientError> {
        Ok(())
    }
}
pub struct EventStream;
#[derive(Debug)]
pub enum StreamItem {
    Event(Event),
    Lagged(u64),
    Resynced,
}
impl EventStream {
    pub async fn next(&mut self) -> Option<StreamItem> {
        None
    }
    pub async fn close(self) {}
}
impl P {
    pub async fn update<T: serde::de::DeserializeOwned + serde::Serialize>(
        &self,
        _n: &str,
        f: impl Fn(Option<T>) -> T,
    ) -> Result<T, ClientError> {
        Ok(f(None))
    }
    pub async fn delete(&self, _n: &str) -> Result<Raw, ClientError> {
        Ok(Raw::null())
    }
}
