//! libFuzzer around the target that the environment names. `cargo xtask fuzz` builds and runs it.
#![no_main]

use std::sync::LazyLock;

use fuzz::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;

/// Names the target: the arguments belong to libFuzzer.
const TARGET_ENV: &str = "DRPX_FUZZ_TARGET";

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var(TARGET_ENV).unwrap_or_default();
    let target = TARGETS.iter().find(|target| target.name == name);
    target.unwrap_or_else(|| panic!("{TARGET_ENV} names no target: {name:?}"))
});

fuzz_target!(|data: &[u8]| (TARGET.run)(data));
