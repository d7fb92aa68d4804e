use drp_plugin::{Context, Machine, Provider, Result};
use schemars::JsonSchema;

#[derive(JsonSchema)]
struct Blink {
    seconds: u32,
}

async fn blink(_context: Context<()>, _machine: Machine, params: Blink) -> Result<u32> {
    Ok(params.seconds)
}

fn main() {
    let _ = Provider::new("blinker", "v1.0.0").action("blink", blink);
}
