use drp_plugin::{Context, Machine, NoParams, Provider, Result};

struct Blinked;

async fn blink(_context: Context<()>, _machine: Machine, _params: NoParams) -> Result<Blinked> {
    Ok(Blinked)
}

fn main() {
    let _ = Provider::new("blinker", "v1.0.0").action("blink", blink);
}
