//! A provider whose one action reads its machine as a typed model and answers with a little of it.

use std::process::ExitCode;

use drp_plugin::{Context, Machine, NoParams, Provider, Result};

async fn read(_context: Context<()>, machine: Machine, _params: NoParams) -> Result<usize> {
    Ok(machine.name.len() + machine.params.len())
}

fn main() -> ExitCode {
    Provider::new("machine-reader", "v1.0.0").action("read", read).run()
}
