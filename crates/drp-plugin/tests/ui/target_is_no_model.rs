use drp_plugin::{Context, NoParams, Provider, Result};

async fn blink(_context: Context<()>, _machine: String, _params: NoParams) -> Result<()> {
    Ok(())
}

fn main() {
    let _ = Provider::new("blinker", "v1.0.0").action("blink", blink);
}
