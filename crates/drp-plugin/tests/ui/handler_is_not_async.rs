use drp_plugin::{Context, Machine, NoParams, Provider, Result};

fn blink(_context: Context<()>, _machine: Machine, _params: NoParams) -> Result<u32> {
    Ok(5)
}

fn main() {
    let _ = Provider::new("blinker", "v1.0.0").action("blink", blink);
}
