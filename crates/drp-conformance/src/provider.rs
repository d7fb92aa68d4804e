//! The suite for plugin providers.

mod action;
mod ask;
mod case;
mod config;
mod content;
mod define;
mod events;
mod gone;
mod http;
mod instance;
mod listen;
mod parent;
mod paths;
mod publish;
mod serve;
mod stop;
mod subject;
mod suite;
mod unpack;
mod values;

pub use self::{
    subject::{Call, Echo, ParseCallError, ParseEchoError},
    suite::{Suite, SuiteError},
};
