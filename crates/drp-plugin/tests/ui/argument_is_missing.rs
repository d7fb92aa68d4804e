use drp_plugin::{Context, Machine, Provider, Result};

async fn blink(_context: Context<()>, _machine: Machine) -> Result<u32> {
    Ok(5)
}

fn main() {
    let _ = Provider::new("blinker", "v1.0.0").action("blink", blink);
}
