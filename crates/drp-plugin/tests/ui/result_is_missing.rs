use drp_plugin::{Context, Machine, NoParams, Provider};

async fn blink(_context: Context<()>, _machine: Machine, _params: NoParams) -> u32 {
    5
}

fn main() {
    let _ = Provider::new("blinker", "v1.0.0").action("blink", blink);
}
