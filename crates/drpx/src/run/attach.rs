//! Plugins that somebody else starts, such as a debugger, in which a minute is no time.

use std::time::Duration;

use drp_host::{HostConfig, Times};

/// Longest time for which anything waits that a debugger may have stopped.
pub(super) const DEBUG_TIME: Duration = Duration::from_secs(24 * 3600);

/// The configuration of a server that starts no plugin, waits for each and hurries none.
pub(super) fn patient(config: HostConfig) -> HostConfig {
    let times = config.times;
    // It ends whenever the session of the debugger does, which is no reason to take the next one late.
    let restart_wait_max = times.restart_wait_min;
    let times = Times { config: DEBUG_TIME, publish: DEBUG_TIME, restart_wait_max, ..times };
    HostConfig { attach: true, times, ..config }
}
