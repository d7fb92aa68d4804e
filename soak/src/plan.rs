//! What a run is made of.

use std::{path::PathBuf, time::Duration};

/// What a run is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The processes.
    pub executables: Executables,
    /// Time for all laps; the last one that has begun is finished.
    pub time: Duration,
    /// Time for which the load of one lap goes on.
    pub lap: Duration,
    /// Decides which faults come when. Load and faults run side by side, so the same seed makes a similar run, not the
    /// same one.
    pub seed: u64,
    /// Whether each lap is told on stderr.
    pub progress: bool,
}

/// The executables of a run.
#[derive(Clone, Debug)]
pub struct Executables {
    /// `drpx`, the server.
    pub drpx: PathBuf,
    /// The provider `probe`.
    pub probe: PathBuf,
    /// The provider `incrementer`.
    pub incrementer: PathBuf,
    /// The provider that misbehaves.
    pub rude: PathBuf,
}
