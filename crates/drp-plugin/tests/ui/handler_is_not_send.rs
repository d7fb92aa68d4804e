use std::rc::Rc;

use drp_plugin::{Context, Machine, NoParams, Provider, Result};

async fn blink(_context: Context<()>, _machine: Machine, _params: NoParams) -> Result<u32> {
    let seconds = Rc::new(5);
    std::future::ready(()).await;
    Ok(*seconds)
}

fn main() {
    let _ = Provider::new("blinker", "v1.0.0").action("blink", blink);
}
