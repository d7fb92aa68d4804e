//! A report, as people and as programs read it.

mod json;
mod junit;
mod people;

pub use self::{json::json, junit::junit, people::people};
