//! Recordings of what a host and its plugins say to each other, and playing them back (`docs/design/0020-trace.md`).

mod book;
mod compare;
mod entry;
mod mask;
mod recorder;
mod replay;
mod stage;
mod unpacked;

pub use self::{
    compare::Difference,
    entry::{ReadError, Trace},
    recorder::Recorder,
    replay::{Replay, ReplayError},
};
pub(crate) use self::{
    entry::Dir,
    recorder::{Exchange, Recorded},
    unpacked::listing,
};
