use drp_plugin::{Context, Machine, NoParams, Provider, Result};

struct State;

async fn blink(_context: Context<State>, _machine: Machine, _params: NoParams) -> Result<()> {
    Ok(())
}

fn main() {
    let _ = Provider::new("blinker", "v1.0.0").action("blink", blink);
}
