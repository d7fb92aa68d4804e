use drp_plugin::{Context, NoParams, Provider, Result, Secure, System};

async fn tell(_context: Context<()>, _system: System, _params: NoParams) -> Result<Secure<String>> {
    Ok(Secure::new("opensesame".to_owned()))
}

fn main() {
    let _ = Provider::new("teller", "v1.0.0").action("tell", tell);
}
