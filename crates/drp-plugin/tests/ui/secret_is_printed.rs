use drp_plugin::Secure;

fn main() {
    let password = Secure::new("opensesame".to_owned());
    println!("{password}");
}
