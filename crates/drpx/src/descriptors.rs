//! As many open files and sockets as the system allows: shells allow 1,024, and a server may have ten times as many
//! websockets.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit that the process may raise to the one that it may not. Plugins inherit it.
pub(crate) fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    // Where that is refused, the server is as good as its limit was before.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}
